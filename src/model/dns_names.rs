//! Names that EC2 gives to the addresses of instances.
//!
//! Purpose: address to name, one place for API answers and for the resolver. Non-goals: resource names (`i-0123...`), IPv6,
//! custom DHCP domain names. Source: docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html

use std::net::Ipv4Addr;

/// The name of a private address: `ip-172-31-0-10.ec2.internal` in us-east-1, `ip-172-31-0-10.eu-west-1.compute.internal`
/// elsewhere.
pub fn private_name(region: &str, address: Ipv4Addr) -> String {
    format!("ip-{}.{}", dashed(address), private_domain(region))
}

/// The domain that private names end in, which DHCP hands out as well.
pub fn private_domain(region: &str) -> String {
    if region == "us-east-1" { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") }
}

/// The name of a public address: `ec2-203-0-113-25.compute-1.amazonaws.com` in us-east-1,
/// `ec2-203-0-113-25.eu-west-1.compute.amazonaws.com` elsewhere.
pub fn public_name(region: &str, address: Ipv4Addr) -> String {
    let suffix = dns_suffix(region);
    match region {
        "us-east-1" => format!("ec2-{}.compute-1.{suffix}", dashed(address)),
        _ => format!("ec2-{}.{region}.compute.{suffix}", dashed(address)),
    }
}

/// The domain of a Region's public names: China has its own.
pub fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

fn dashed(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{a}-{b}-{c}-{d}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn us_east_1_has_names_of_its_own() {
        let (private, public) = (Ipv4Addr::new(172, 31, 0, 10), Ipv4Addr::new(203, 0, 113, 25));
        assert_eq!(private_name("us-east-1", private), "ip-172-31-0-10.ec2.internal");
        assert_eq!(private_name("eu-west-1", private), "ip-172-31-0-10.eu-west-1.compute.internal");
        assert_eq!(public_name("us-east-1", public), "ec2-203-0-113-25.compute-1.amazonaws.com");
        assert_eq!(public_name("eu-west-1", public), "ec2-203-0-113-25.eu-west-1.compute.amazonaws.com");
        assert_eq!(public_name("cn-north-1", public), "ec2-203-0-113-25.cn-north-1.compute.amazonaws.com.cn");
    }
}
