//! The sockets of a stack, and whether one of them may have something to say.
//!
//! smoltcp goes through all sockets to find out who wants to send, and again for who wants to be polled when. A host is polled for every frame, and most
//! polls touch one socket of many, so what smoltcp said last is kept until a socket may have changed. Invariant: whoever gets a socket to change it,
//! or changes what sockets depend on (addresses, neighbours), stirs them.

use crate::time::SimTime;
use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::{AnySocket, Socket, dhcpv4};

/// See the module.
pub(super) struct Sockets {
    set: SocketSet<'static>,
    /// When smoltcp wants to poll them; `None` if that may have changed since it said so.
    poll_at: Option<Option<SimTime>>,
}

impl Sockets {
    pub(super) fn new() -> Self {
        Sockets { set: SocketSet::new(Vec::new()), poll_at: None }
    }

    /// Something that sockets depend on has changed.
    pub(super) fn stir(&mut self) {
        self.poll_at = None;
    }

    /// smoltcp wants to poll them then, unless they are stirred.
    pub(super) fn settle(&mut self, poll_at: Option<SimTime>) {
        self.poll_at = Some(poll_at);
    }

    /// What [`Sockets::settle`] was told, if it still holds.
    pub(super) fn poll_at(&self) -> Option<Option<SimTime>> {
        self.poll_at
    }

    /// Whether a poll may make one of them send. smoltcp cuts times to whole microseconds, so what is due is not later than `now`.
    pub(super) fn may_speak(&self, now: SimTime) -> bool {
        match self.poll_at {
            None => true,
            Some(poll_at) => poll_at.is_some_and(|at| at <= now),
        }
    }

    pub(super) fn all(&self) -> &SocketSet<'static> {
        &self.set
    }

    pub(super) fn all_mut(&mut self) -> &mut SocketSet<'static> {
        self.stir();
        &mut self.set
    }

    pub(super) fn add<T: AnySocket<'static>>(&mut self, socket: T) -> SocketHandle {
        self.stir();
        self.set.add(socket)
    }

    pub(super) fn remove(&mut self, handle: SocketHandle) {
        self.stir();
        self.set.remove(handle);
    }

    pub(super) fn get<T: AnySocket<'static>>(&self, handle: SocketHandle) -> &T {
        self.set.get(handle)
    }

    pub(super) fn get_mut<T: AnySocket<'static>>(&mut self, handle: SocketHandle) -> &mut T {
        self.stir();
        self.set.get_mut(handle)
    }

    /// The DHCP client, to ask it what is new. That stirs nothing: smoltcp polls it for other reasons.
    pub(super) fn dhcp_client(&mut self, handle: SocketHandle) -> &mut dhcpv4::Socket<'static> {
        self.set.get_mut(handle)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketHandle, &Socket<'static>)> {
        self.set.iter()
    }
}
