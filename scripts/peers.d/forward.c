/* Peer: what DPDK's l3fwd does to a packet, on mbufs in memory, without a driver. Usage: forward EAL-OPTIONS -- TABLE SLOTS
 *
 * Of 64-byte slots with IPv4/UDP, in bursts of 32: look at EtherType, version, header length, total length and TTL; with "verified" the
 * header's checksum too; route by rte_lpm, four at a time; TTL less one, checksum with it; both MAC addresses; count the packet of its port. The
 * same packets come again: when one's TTL is used up, it is set back. Without "verified" a wrong checksum passes, as it does in l3fwd, which
 * leaves that to the card. */
#include "common.h"
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <rte_vect.h>

#define BURST 32
#define FRAME_BYTES 60
#define DROP_PORT 255

static struct rte_lpm *lpm;
static struct rte_mbuf **slots;
static uint32_t slot_count;
static struct {
    uint64_t packets;
    uint8_t addresses[16]; /* destination and source MAC, four bytes of anything */
} ports[256] __rte_cache_aligned;

static inline struct rte_ipv4_hdr *ip_of(struct rte_mbuf *packet) {
    return rte_pktmbuf_mtod_offset(packet, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
}

static void fill(struct rte_ipv4_hdr *ip) {
    ip->time_to_live = 255;
    ip->hdr_checksum = 0;
    ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static inline __attribute__((always_inline)) int is_bad(struct rte_mbuf *packet, int verified) {
    const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(packet, struct rte_ether_hdr *);
    const struct rte_ipv4_hdr *ip = ip_of(packet);
    uint32_t total = rte_be_to_cpu_16(ip->total_length);
    int bad = (ethernet->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4)) | (ip->version_ihl != RTE_IPV4_VHL_DEF) |
              (total < sizeof *ip) | (total + sizeof *ethernet > packet->pkt_len) | (ip->time_to_live <= 1);
    if (verified) bad |= rte_raw_cksum(ip, sizeof *ip) != 0xffff;
    return bad;
}

static inline __attribute__((always_inline)) void forward(struct rte_mbuf **burst, int verified) {
    uint32_t bad[BURST], found[BURST];
    uint32_t destinations[BURST] __rte_aligned(16);
    for (int i = 0; i < BURST; i++) {
        bad[i] = (uint32_t)is_bad(burst[i], verified);
        destinations[i] = rte_be_to_cpu_32(ip_of(burst[i])->dst_addr);
    }
    for (int i = 0; i < BURST; i += 4)
        rte_lpm_lookupx4(lpm, *(const xmm_t *)(destinations + i), found + i, DROP_PORT);
    for (int i = 0; i < BURST; i++) {
        if (unlikely(bad[i])) {
            ports[DROP_PORT].packets++;
            continue;
        }
        struct rte_ipv4_hdr *ip = ip_of(burst[i]);
        uint32_t checksum = ip->hdr_checksum + 1u;
        ip->hdr_checksum = (uint16_t)(checksum + (checksum >> 16));
        ip->time_to_live--;
        uint32_t port = found[i] & 0xff;
        memcpy(rte_pktmbuf_mtod(burst[i], void *), ports[port].addresses, 12);
        ports[port].packets++;
    }
}

static double rate(int verified) {
    uint64_t packets = 0;
    double begin = cpu_seconds(), taken;
    do {
        for (uint32_t at = 0; at < slot_count; at += BURST) {
            struct rte_mbuf **burst = slots + at;
            /* Beyond the cache, the next bursts are fetched ahead. */
            if (slot_count > 2048)
                for (int i = 0; i < BURST; i++)
                    rte_prefetch0(rte_pktmbuf_mtod(slots[(at + 2 * BURST + i) % slot_count], void *));
            for (int i = 0; i < BURST; i++)
                if (unlikely(ip_of(burst[i])->time_to_live < 8)) fill(ip_of(burst[i]));
            if (verified) forward(burst, 1);
            else forward(burst, 0);
            packets += BURST;
        }
    } while ((taken = cpu_seconds() - begin) < MEASURE_SECONDS);
    return (double)packets / taken / 1e6;
}

int main(int argc, char **argv) {
    int used = rte_eal_init(argc, argv);
    if (used < 0 || argc - used != 3) return 2;
    struct table table = named_table(argv[used + 1]);
    slot_count = (uint32_t)strtoul(argv[used + 2], NULL, 10) / BURST * BURST;
    if (!slot_count) return 2;
    struct rte_lpm_config config = {.max_rules = table.count + 1024, .number_tbl8s = 256};
    lpm = rte_lpm_create("lpm", 0, &config);
    struct rte_mempool *pool =
        rte_pktmbuf_pool_create("slots", slot_count + 1023, 0, 0, RTE_PKTMBUF_HEADROOM + 128, 0);
    if (!lpm || !pool) {
        fprintf(stderr, "no memory: %s\n", rte_strerror(rte_errno));
        return 1;
    }
    for (uint32_t i = 0; i < table.count; i++)
        if (rte_lpm_add(lpm, table.routes[i].prefix, table.routes[i].length, table.routes[i].next_hop)) return 1;
    for (int port = 0; port < 256; port++)
        for (int i = 0; i < 16; i++) ports[port].addresses[i] = (uint8_t)(i ? port + i : 2);
    uint32_t *destinations = uniform_destinations(&table);
    slots = zeroed(slot_count, sizeof *slots);
    for (uint32_t i = 0; i < slot_count; i++) {
        slots[i] = rte_pktmbuf_alloc(pool);
        char *frame = slots[i] ? rte_pktmbuf_append(slots[i], FRAME_BYTES) : NULL;
        if (!frame) return 1;
        memset(frame, 0, FRAME_BYTES);
        ((struct rte_ether_hdr *)frame)->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
        *ip_of(slots[i]) = (struct rte_ipv4_hdr){
            .version_ihl = RTE_IPV4_VHL_DEF,
            .total_length = rte_cpu_to_be_16(FRAME_BYTES - sizeof(struct rte_ether_hdr)),
            .next_proto_id = 17,
            .src_addr = rte_cpu_to_be_32(0x0a000004),
            .dst_addr = rte_cpu_to_be_32(destinations[i % DESTINATIONS]),
        };
        fill(ip_of(slots[i]));
    }
    rate(1);
    printf("ready dropped %lu\n", ports[DROP_PORT].packets);
    while (asked()) {
        printf("unverified %.2f ", rate(0));
        printf("verified %.2f\n", rate(1));
        if (ports[DROP_PORT].packets) return 1;
    }
    return 0;
}
