//! Captures: what each vantage point saw, as pcapng (or classic pcap) bytes that Wireshark opens.
//!
//! Purpose: the encoders ([`pcapng`], [`pcap`]), the [files](CaptureFile) with their [names](file_name()), and the Wireshark [profile] that is written
//! beside them. Non-goals: reading captures, opening files (bytes go to the caller, in [`CaptureFile::take_pending`]), deciding what is captured where
//! (the simulator's tap does), wording the decisions.
//!
//! Invariants: one file per vantage point, because one packet on two interfaces of a file looks like a retransmission to Wireshark (the merged file has a
//! profile of its own for that); TLS secrets
//! stand before the packets they decrypt; the same calls give the same bytes.

mod comments;
mod file;
mod file_name;
mod file_set;
pub mod key_log;
mod options;
pub mod pcap;
pub mod pcapng;
pub mod profile;
mod tap;

pub use file::{CaptureFile, Vantage, VantageIx};
pub use file_name::{FileNames, file_name, safe_stem};
pub use file_set::{FileIx, FileSet, MERGED_FILE_NAME};
pub use key_log::KeyLog;
pub use options::{CaptureOptions, Format, Selection, SelectionError};
pub use pcapng::Direction;
pub use tap::CaptureTap;
