//! Zeroed memory for a large table, in huge pages where the system gives them.
//!
//! A table of 32 MiB in pages of 4 KiB needs 8,192 translations, more than a core remembers, so a random lookup pays for a page walk too; in pages of
//! 2 MiB it needs 16. The system is asked by `madvise` through memmap2, whose interface to anonymous memory is safe. What it answers is not checked:
//! with small pages everything works as well. Where there is no mapping to be had, the memory comes from the allocator.

use memmap2::MmapMut;

/// The size and alignment of a huge page of x86-64 and, with 4 KiB pages, of AArch64.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// `bytes` zeroed bytes that begin at a huge page's boundary.
pub(super) struct Pages {
    memory: Memory,
    bytes: usize,
}

enum Memory {
    Mapped { map: MmapMut, begin: usize },
    Allocated(Vec<u32>),
}

impl Pages {
    pub(super) fn zeroed(bytes: usize) -> Self {
        let memory = match MmapMut::map_anon(bytes + HUGE_PAGE_BYTES) {
            Ok(map) => {
                let begin = map.as_ptr().addr().next_multiple_of(HUGE_PAGE_BYTES) - map.as_ptr().addr();
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Memory::Mapped { map, begin }
            }
            Err(_) => Memory::Allocated(vec![0; bytes / size_of::<u32>()]),
        };
        Pages { memory, bytes }
    }

    pub(super) fn len_bytes(&self) -> usize {
        self.bytes
    }

    /// The memory as numbers of 16 bits.
    #[inline]
    pub(super) fn halves(&self) -> &[u16] {
        bytemuck::cast_slice(self.bytes())
    }

    /// The memory as numbers of 32 bits: two neighbours of [`Pages::halves`] each.
    #[inline]
    pub(super) fn words(&self) -> &[u32] {
        bytemuck::cast_slice(self.bytes())
    }

    /// The memory as numbers of 16 bits.
    pub(super) fn halves_mut(&mut self) -> &mut [u16] {
        match &mut self.memory {
            Memory::Mapped { map, begin } => bytemuck::cast_slice_mut(&mut map[*begin..*begin + self.bytes]),
            Memory::Allocated(words) => bytemuck::cast_slice_mut(words),
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match &self.memory {
            Memory::Mapped { map, begin } => &map[*begin..*begin + self.bytes],
            Memory::Allocated(words) => bytemuck::cast_slice(words),
        }
    }
}

impl Clone for Pages {
    fn clone(&self) -> Self {
        let mut copy = Pages::zeroed(self.bytes);
        copy.halves_mut().copy_from_slice(self.halves());
        copy
    }
}
