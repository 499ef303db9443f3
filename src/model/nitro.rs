//! Which instance types forget established TCP connections after 350 s instead of five days.
//!
//! AWS: those of Nitro v6 do, P6e-GB200 excepted. Families are those that public copies of AWS's tables of instance types mark as Nitro v6; families that are younger
//! than these, and accelerated ones other than G7e, are missing and have the old timeout. `ConnectionTrackingSpecification` sets either.
//! Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingConfiguration.html (the timeout),
//! docs.aws.amazon.com/ec2/latest/instancetypes (families)

/// Families of Nitro v6, sorted.
const NITRO_V6_FAMILIES: [&str; 27] = [
    "c8a", "c8gb", "c8gn", "c8i", "c8i-flex", "c8id", "c8in", "c8ine", "g7e", "hpc8a", "i8ge", "m8a", "m8azn", "m8gb",
    "m8gn", "m8i", "m8i-flex", "m8id", "m8in", "r8a", "r8gb", "r8gn", "r8i", "r8i-flex", "r8id", "r8idn", "r8in",
];

/// After how many seconds of silence interfaces of `instance_type` forget established TCP connections, if that is not five days.
pub fn tcp_established_seconds(instance_type: &str) -> Option<u32> {
    let family = instance_type.split('.').next().unwrap_or(instance_type);
    NITRO_V6_FAMILIES.contains(&family).then_some(350)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_decides() {
        assert_eq!(tcp_established_seconds("m8i.large"), Some(350));
        assert_eq!(tcp_established_seconds("m8i-flex.large"), Some(350));
        assert_eq!(["m5.large", "m8g.large", "m8"].map(tcp_established_seconds), [None; 3]);
        assert!(NITRO_V6_FAMILIES.is_sorted());
    }
}
