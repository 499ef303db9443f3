//! Captures: what each vantage point saw, as pcapng bytes that Wireshark opens.
//!
//! Purpose: the [encoder](pcapng), the [files](CaptureFile) with their [names](file_name()), and the Wireshark [profile] that is written
//! beside them. Non-goals: reading captures, opening files (bytes go to the caller, in [`CaptureFile::take_pending`]), deciding what is captured where
//! (the simulator's tap does), wording the decisions.
//!
//! Invariants: one file per vantage point, because one packet on two interfaces of a file looks like a retransmission to Wireshark; TLS secrets
//! stand before the packets they decrypt; the same calls give the same bytes.

mod file_name;
mod file_set;
pub mod pcapng;
pub mod profile;
mod tap;

pub use file_name::{FileNames, file_name, safe_stem};
pub use file_set::{CaptureFile, FileIx, FileSet, Vantage};
pub use pcapng::Direction;
pub use tap::CaptureTap;
