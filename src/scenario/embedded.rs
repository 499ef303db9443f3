//! The scenarios that come with the program.

/// Name and source of every shipped scenario; the first is the default one.
pub const EMBEDDED: &[(&str, &str)] = &[("tutorial", include_str!("../../scenarios/tutorial.toml"))];

/// The source of the shipped scenario called `name`.
pub fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED.iter().find(|(known, _)| *known == name).map(|(_, source)| *source)
}
