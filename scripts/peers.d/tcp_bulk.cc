// Peer: ns-3, TCP bulk through one router. Usage: tcp_bulk --seconds=S [--pcap=DIRECTORY]
//
// Ten hosts, each with a link of 1 Gbit/s and 50 us to the router; the router has one of 40 Gbit/s and 50 us to the server. Every host sends as much as
// it can for S simulated seconds, MTU 1500. Prints "name value" pairs: hops (link transmissions ended), CPU seconds of the process within
// Simulator::Run, hops per CPU second in millions, goodput.
#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include <cstdio>
#include <ctime>
#include <string>

using namespace ns3;

static uint64_t hops = 0;

static void transmitted(Ptr<const Packet>) {
    hops++;
}

static double cpu_seconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

int main(int argc, char** argv) {
    const uint32_t host_count = 10, mss = 1448;
    const uint16_t port = 9;
    double seconds = 0.2;
    std::string pcap;
    CommandLine arguments;
    arguments.AddValue("seconds", "simulated seconds", seconds);
    arguments.AddValue("pcap", "directory for a capture of every interface", pcap);
    arguments.Parse(argc, argv);
    Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(mss));
    Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(1 << 20));
    Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(1 << 20));

    NodeContainer hosts, middle;
    hosts.Create(host_count);
    middle.Create(2);
    Ptr<Node> router = middle.Get(0), server = middle.Get(1);
    InternetStackHelper stack;
    stack.Install(hosts);
    stack.Install(middle);
    PointToPointHelper edge;
    edge.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
    edge.SetDeviceAttribute("Mtu", UintegerValue(1500));
    edge.SetChannelAttribute("Delay", StringValue("50us"));
    PointToPointHelper trunk = edge;
    trunk.SetDeviceAttribute("DataRate", StringValue("40Gbps"));

    NetDeviceContainer devices;
    Ipv4AddressHelper addresses;
    for (uint32_t i = 0; i < host_count; i++) {
        NetDeviceContainer link = edge.Install(hosts.Get(i), router);
        addresses.SetBase(("10.0." + std::to_string(i) + ".0").c_str(), "255.255.255.0");
        addresses.Assign(link);
        devices.Add(link);
    }
    NetDeviceContainer link = trunk.Install(router, server);
    addresses.SetBase("10.1.0.0", "255.255.255.0");
    Ipv4InterfaceContainer ends = addresses.Assign(link);
    devices.Add(link);
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    for (uint32_t i = 0; i < devices.GetN(); i++)
        devices.Get(i)->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&transmitted));

    PacketSinkHelper sink("ns3::TcpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), port));
    ApplicationContainer sinks = sink.Install(server);
    BulkSendHelper bulk("ns3::TcpSocketFactory", InetSocketAddress(ends.GetAddress(1), port));
    bulk.SetAttribute("MaxBytes", UintegerValue(0));
    bulk.Install(hosts).Start(MilliSeconds(1));
    if (!pcap.empty()) edge.EnablePcapAll(pcap + "/ns3", false);

    Simulator::Stop(Seconds(seconds));
    double begin = cpu_seconds();
    Simulator::Run();
    double taken = cpu_seconds() - begin;
    double received = DynamicCast<PacketSink>(sinks.Get(0))->GetTotalRx();
    std::printf("hops %lu cpu_s %.3f mhops %.5f goodput_gbit_s %.3f\n", static_cast<unsigned long>(hops), taken,
                hops / taken / 1e6, received * 8 / seconds / 1e9);
    Simulator::Destroy();
    return 0;
}
