//! Files as memory. Owns all `unsafe` of the program, the decision whether a file may be mapped, and what happens when
//! a mapped file shrinks; knows nothing of lines or formats.
//!
//! # Why mapping is sound enough here
//!
//! memmap2 calls mapping a file unsafe because somebody else may change it meanwhile. Three things can happen:
//!
//! - **It grows.** Logs do. The mapping has the length it had when it was opened; what comes later is not seen.
//! - **Bytes change in place.** No log writer does that, but anybody who may write the file can. A byte read twice may
//!   then differ, which is harmless as long as no reader's memory safety rests on what it read: outside this file there
//!   is no `unsafe`, so the worst is a wrong field or a panic on an index, never a wild access.
//! - **It shrinks**, as logrotate's copytruncate does. Touching a page behind the new end raises SIGBUS, which kills.
//!   A handler (installed once, before the first mapping) puts zero pages in the place of the missing ones, from the
//!   one that was touched to the end of the mapping, and marks the mapping. The reader sees NUL bytes, goes on, and
//!   learns from [`Map::was_truncated`] that they were not the log's.
//!
//! # Why the handler is sound
//!
//! - It runs on the thread that touched the page, in the middle of an ordinary load from the mapping, so that no lock
//!   is held that it could need. It uses atomics, and `mmap`, which is a bare system call (not on POSIX's list of
//!   async-signal-safe functions, but takes no lock and allocates nothing in glibc, musl, macOS or the BSDs).
//! - It acts only on `BUS_ADRERR` at an address inside a registered mapping. A mapping is one word in the table, so it
//!   is never read half-changed; it is registered before anything reads it and struck out before it is unmapped, and
//!   whoever is in a load borrows it, so the handler can never replace memory that is not ours.
//! - Anything else gets the action that was there before (Rust's own, as a rule), and kills as it would have.
//!
//! Where this cannot be had (network and user-space file systems, whose pages fail for other reasons and late; fewer
//! than 64 bits; a full table), [`may_map`] or [`Map::open`] says no and the file is read instead.

#![expect(unsafe_code, reason = "the one place for mmap, sigaction and fstatfs; argued above and at each block")]

use memmap2::{Mmap, MmapOptions, UncheckedAdvice};
use std::{
    fs::{File, Metadata},
    io,
    ops::Range,
    os::fd::AsRawFd,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

/// Mappings that can exist at one time; the files beyond are read.
const MAX_MAPPINGS: usize = 1024;

/// How much of both ends is remembered, to notice a file that was truncated and has grown back.
const END_BYTES: usize = 256;

static MAPPINGS: Table<MAX_MAPPINGS> = Table::new();
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(4096);

/// A regular file's bytes as they are at the moment they are touched, as many as it had when it was opened.
#[derive(Debug)]
pub struct Map {
    bytes: Mmap,
    slot: usize,
    /// Where the text begins: behind a byte-order mark.
    start: usize,
    head: Box<[u8]>,
    tail: Box<[u8]>,
}

/// Whether a file may be mapped: regular, not empty, on a local file system, and addresses to spare.
#[must_use]
pub fn may_map(file: &File, metadata: &Metadata) -> bool {
    cfg!(target_pointer_width = "64") && metadata.is_file() && metadata.len() > 0 && is_local(file)
}

impl Map {
    /// Maps the first `len_bytes` of a file for which [`may_map`] is true. When this fails, read the file.
    ///
    /// # Errors
    /// The system refuses, the length is 0 or beyond the address space, or too many files are mapped already.
    pub fn open(file: &File, len_bytes: u64) -> io::Result<Self> {
        let len = usize::try_from(len_bytes).ok().filter(|len| *len > 0).ok_or(io::ErrorKind::InvalidInput)?;
        if !handler_is_installed() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: the file may change while it is mapped; see the module's argument. The mapping is read-only, and
        // nothing reads it before it is registered.
        let bytes = unsafe { MmapOptions::new().len(len).map(file)? };
        let slot = MAPPINGS.claim(bytes.as_ptr() as usize, len).ok_or(io::ErrorKind::OutOfMemory)?;
        let end = len.min(END_BYTES);
        let mut map = Self { bytes, slot, start: 0, head: Box::default(), tail: Box::default() };
        map.head = map.fresh(0, end);
        map.tail = map.fresh(len - end, end);
        Ok(map)
    }

    /// The same mapping without its first bytes.
    #[must_use]
    pub fn starting_at(mut self, start: usize) -> Self {
        self.start = start.min(self.bytes.len());
        self
    }

    /// The text. Bytes that the file lost meanwhile are NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Gives the whole pages of a part of the text back to the system: worth it once a chunk is done, so that a large
    /// file does not show as resident memory. They may be read again, from the page cache as a rule.
    pub fn release(&self, range: Range<usize>) {
        let page_bytes = PAGE_BYTES.load(Ordering::Relaxed);
        let in_map = |at: usize| at.saturating_add(self.start).min(self.bytes.len());
        let from = in_map(range.start).next_multiple_of(page_bytes);
        let to = in_map(range.end) / page_bytes * page_bytes;
        if from < to {
            // SAFETY: the pages belong to a read-only mapping, of the file or of zeros put in its place, so what they
            // lose is what they get again when they are touched. A refusal costs nothing but the memory.
            let _ = unsafe { self.bytes.unchecked_advise_range(UncheckedAdvice::DontNeed, from, to - from) };
        }
    }

    /// Whether the file was truncated since it was mapped, so that bytes read as NUL, or may have been those of a file
    /// that grew back. Ask after the last byte was read.
    ///
    /// A page that was touched behind the file's end has told (a page that a failing disk could not give looks the
    /// same); a cut inside the last page shows as NULs in the remembered end; a file that grew back has another
    /// beginning.
    #[must_use]
    pub fn was_truncated(&self) -> bool {
        let tail_start = self.bytes.len() - self.tail.len();
        let same = self.fresh(0, self.head.len()) == self.head && self.fresh(tail_start, self.tail.len()) == self.tail;
        !same || MAPPINGS.is_marked(self.slot)
    }

    /// A copy of some bytes as they are now, however often they were read before.
    fn fresh(&self, from: usize, len: usize) -> Box<[u8]> {
        let range = self.bytes.get(from..from + len).unwrap_or_default();
        // SAFETY: a reference to a byte of a live mapping is valid to read. Volatile, since the file may have changed.
        range.iter().map(|byte| unsafe { std::ptr::from_ref(byte).read_volatile() }).collect()
    }
}

impl Drop for Map {
    /// Strikes the mapping out before memmap2 unmaps it, in that order: then the addresses may be given to another.
    fn drop(&mut self) {
        MAPPINGS.release(self.slot);
    }
}

/// Which addresses are whose, readable from a signal handler: one word for each mapping, no locks.
struct Table<const N: usize> {
    slots: [Slot; N],
}

/// `extent` is 0 where free, otherwise the first page above [`LEN_BITS`] bits of length in pages.
struct Slot {
    extent: AtomicU64,
    marked: AtomicBool,
}

/// Pages of the table, which need not be the system's: those are multiples of it.
const PAGE_SHIFT: u32 = 12;
/// Bits for the length in pages: up to 1 TiB. The other 36 hold any page of a 48-bit address space.
const LEN_BITS: u32 = 28;

impl<const N: usize> Table<N> {
    const fn new() -> Self {
        Self { slots: [const { Slot { extent: AtomicU64::new(0), marked: AtomicBool::new(false) } }; N] }
    }

    /// Enters a mapping; none where the table is full or the mapping does not fit into a word.
    fn claim(&self, start: usize, len: usize) -> Option<usize> {
        let page_bytes = PAGE_BYTES.load(Ordering::Relaxed);
        let extent = pack(start as u64, len.checked_next_multiple_of(page_bytes)? as u64)?;
        let slot = self
            .slots
            .iter()
            .position(|slot| slot.extent.compare_exchange(0, extent, Ordering::AcqRel, Ordering::Relaxed).is_ok())?;
        // Nothing has read the mapping yet, so a mark is the former owner's.
        self.slots.get(slot)?.marked.store(false, Ordering::Release);
        Some(slot)
    }

    fn release(&self, slot: usize) {
        if let Some(slot) = self.slots.get(slot) {
            slot.extent.store(0, Ordering::Release);
        }
    }

    fn is_marked(&self, slot: usize) -> bool {
        self.slots.get(slot).is_some_and(|slot| slot.marked.load(Ordering::Acquire))
    }

    /// The mapping around an address and the address behind its end.
    fn find(&self, address: u64) -> Option<(&Slot, u64)> {
        self.slots.iter().find_map(|slot| {
            let (start, end) = unpack(slot.extent.load(Ordering::Acquire));
            (start..end).contains(&address).then_some((slot, end))
        })
    }
}

fn pack(start: u64, len: u64) -> Option<u64> {
    let (page, pages) = (start >> PAGE_SHIFT, len >> PAGE_SHIFT);
    let fits = page != 0 && page >> (64 - LEN_BITS) == 0 && pages >> LEN_BITS == 0;
    fits.then_some(page << LEN_BITS | pages)
}

fn unpack(extent: u64) -> (u64, u64) {
    let (page, pages) = (extent >> LEN_BITS, extent & ((1 << LEN_BITS) - 1));
    (page << PAGE_SHIFT, (page + pages) << PAGE_SHIFT)
}

/// The action for SIGBUS before ours.
static FORMER_ACTION: OnceLock<libc::sigaction> = OnceLock::new();

/// Installs the handler on the first call; whether it is there.
fn handler_is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        // SAFETY: sysconf only looks up a number.
        let page_bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        if let Ok(bytes) = usize::try_from(page_bytes) {
            PAGE_BYTES.store(bytes, Ordering::Release);
        }
        install().is_some()
    })
}

/// Remembers the action for SIGBUS first, so that the handler always finds it, and then takes its place.
fn install() -> Option<()> {
    // SAFETY: all-zero bytes are a valid sigaction: integers, a mask, and function pointers that may be null.
    let (mut former, mut ours): (libc::sigaction, libc::sigaction) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_sigbus;
    ours.sa_sigaction = handler as *const () as libc::sighandler_t;
    // ONSTACK, since Rust's handler of stack overflows, which we pass foreign faults to, needs its own stack.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: both pointers are to live sigactions, and the handler has the signature that SA_SIGINFO asks for.
    unsafe {
        if libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut former) != 0 {
            return None;
        }
        FORMER_ACTION.set(former).ok()?;
        (libc::sigaction(libc::SIGBUS, &raw const ours, std::ptr::null_mut()) == 0).then_some(())
    }
}

/// Puts zero pages where a file of ours lost its own; otherwise gives the signal back.
///
/// Async-signal-safe: atomics, system calls and errno only.
extern "C" fn on_sigbus(signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo, whose address is set for every fault (and ignored by
    // us where the code says that it is none). errno's location is the thread's own and always valid.
    unsafe {
        let errno = *errno_location();
        let (code, address) = ((*info).si_code, (*info).si_addr() as u64);
        if code != libc::BUS_ADRERR || !fill_with_zeros(address) {
            give_back(signal, code);
        }
        *errno_location() = errno;
    }
}

/// Replaces the pages from an address to the end of its mapping, all of which the file has lost; whether it is ours.
///
/// To the end rather than one page: the file ended before this page, and 10 GB of missing pages are not worth a signal
/// each.
fn fill_with_zeros(address: u64) -> bool {
    let Some((slot, end)) = MAPPINGS.find(address) else { return false };
    let page = address & !(PAGE_BYTES.load(Ordering::Relaxed) as u64 - 1);
    slot.marked.store(true, Ordering::Release);
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: page..end lies inside a mapping of ours, which is alive, as the thread that we interrupted is reading it.
    // Readers of these pages see either what the file had or zeros; nobody writes.
    let got = unsafe { libc::mmap(page as *mut _, (end - page) as usize, libc::PROT_READ, flags, -1, 0) };
    got != libc::MAP_FAILED
}

/// Puts the former action back. A fault then happens again and meets it; a signal that was sent is sent once more.
fn give_back(signal: libc::c_int, code: libc::c_int) {
    // SAFETY: sigaction and raise are async-signal-safe, and the former action came from the system.
    unsafe {
        match FORMER_ACTION.get() {
            Some(former) => libc::sigaction(signal, former, std::ptr::null_mut()),
            None => libc::signal(signal, libc::SIG_DFL) as libc::c_int,
        };
        if code <= 0 {
            libc::raise(signal);
        }
    }
}

/// Where this thread's errno is.
fn errno_location() -> *mut libc::c_int {
    // SAFETY: takes nothing and returns the address of a thread-local.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::__errno_location()
    }
    // SAFETY: as above.
    #[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
    unsafe {
        libc::__error()
    }
    // SAFETY: as above.
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    unsafe {
        libc::__errno()
    }
}

/// Whether a file lies on a file system whose pages come from this machine.
#[cfg(target_os = "linux")]
fn is_local(file: &File) -> bool {
    /// From linux/magic.h and the file systems' sources: NFS, SMB (three dialects), FUSE, Ceph, AFS (two), Coda, 9P,
    /// NCP, GPFS, Lustre, OCFS2, GFS2, OrangeFS, VirtualBox's shared folders.
    const REMOTE: [u64; 17] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
        0x00c3_6400,
        0x5346_414f,
        0x6b41_4653,
        0x7375_7245,
        0x0102_1997,
        0x564c,
        0x4750_4653,
        0x0bd0_0bd3,
        0x7461_636f,
        0x0116_1970,
        0x2003_0528,
        0x786f_4256,
    ];
    // The field is signed on some systems and 32 bits wide on others.
    file_system(file).is_some_and(|fs| !REMOTE.contains(&(fs.f_type as u64 & 0xffff_ffff)))
}

/// Whether a file lies on a file system whose pages come from this machine.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn is_local(file: &File) -> bool {
    file_system(file).is_some_and(|fs| fs.f_flags as u64 & libc::MNT_LOCAL as u64 != 0)
}

/// Elsewhere nobody has looked, so files are read.
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "freebsd")))]
fn is_local(_file: &File) -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
fn file_system(file: &File) -> Option<libc::statfs> {
    let mut fs = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is open, the pointer is to a statfs, and all-zero bytes are one, should fstatfs fail.
    unsafe { (libc::fstatfs(file.as_raw_fd(), fs.as_mut_ptr()) == 0).then(|| fs.assume_init()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{io::Write, os::unix::process::ExitStatusExt, process::Command};

    const PAGE: usize = 64 << 10;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn open(file: &File) -> Map {
        Map::open(file, file.metadata().unwrap().len()).unwrap()
    }

    #[test]
    fn truncation_in_the_middle_of_reading_gives_nuls_and_a_flag() {
        let (file, other_file) = (file_of(&vec![b'x'; 16 * PAGE]), file_of(&vec![b'y'; 16 * PAGE]));
        let (map, other) = (open(&file), open(&other_file));
        let mut bytes = map.as_bytes().iter();
        assert!(bytes.by_ref().take(PAGE).all(|b| *b == b'x'));
        assert!(!map.was_truncated());
        file.set_len(2 * PAGE as u64).unwrap();
        assert!(bytes.by_ref().take(PAGE).all(|b| *b == b'x'), "what is left is still there");
        assert!(bytes.all(|b| *b == 0), "what is lost reads as NUL");
        assert!(map.was_truncated());
        assert!(other.as_bytes().iter().all(|b| *b == b'y'), "a neighbour is not touched");
        assert!(!other.was_truncated());
    }

    #[test]
    fn released_pages_can_be_read_again_and_lost_ones_stay_lost() {
        let file = file_of(&vec![b'x'; 4 * PAGE]);
        let map = open(&file).starting_at(3);
        assert!(map.as_bytes().iter().all(|b| *b == b'x'));
        map.release(0..usize::MAX);
        map.release(5..5);
        assert!(map.as_bytes().iter().all(|b| *b == b'x'));
        assert!(!map.was_truncated());
        file.set_len(PAGE as u64).unwrap();
        for _ in 0..2 {
            assert_eq!(map.as_bytes().iter().filter(|b| **b == 0).count(), 3 * PAGE);
            map.release(0..4 * PAGE);
        }
        assert!(map.was_truncated());
    }

    #[test]
    fn truncation_inside_the_last_page_is_noticed() {
        let file = file_of(&[b'x'; 1000]);
        let map = open(&file);
        file.set_len(900).unwrap();
        assert!(map.was_truncated());
    }

    #[test]
    fn copytruncate_that_has_grown_back_is_noticed() {
        let file = file_of(&[b'x'; 5000]);
        let map = open(&file);
        file.set_len(0).unwrap();
        (&file).write_all(&[b'z'; 6000]).unwrap();
        assert!(map.was_truncated());
    }

    #[test]
    fn a_growing_file_ends_where_it_ended_when_opened() {
        let mut file = file_of(b"one\n");
        let map = open(&file);
        file.write_all(b"two\n").unwrap();
        assert_eq!(map.as_bytes(), b"one\n");
        assert!(!map.was_truncated());
        assert_eq!(map.starting_at(1).as_bytes(), b"ne\n");
    }

    #[test]
    fn many_threads_may_lose_their_files_at_once() {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let file = file_of(&vec![b'x'; 8 * PAGE]);
                        let map = open(&file);
                        file.set_len(0).unwrap();
                        std::thread::scope(|inner| {
                            for part in map.as_bytes().chunks(PAGE) {
                                inner.spawn(|| assert!(part.iter().all(|b| *b == 0)));
                            }
                        });
                        assert!(map.was_truncated());
                    }
                });
            }
        });
    }

    #[test]
    fn a_released_slot_starts_unmarked() {
        let file = file_of(&vec![b'x'; PAGE]);
        for _ in 0..2 * MAX_MAPPINGS {
            file.set_len(PAGE as u64).unwrap();
            let map = open(&file);
            assert!(!map.was_truncated());
            file.set_len(0).unwrap();
            assert!(map.was_truncated());
        }
    }

    #[test]
    fn a_full_table_says_no_and_takes_again_after_a_release() {
        let table = Table::<2>::new();
        let first = table.claim(0x10_0000, 1).unwrap();
        table.claim(0x20_0000, 1).unwrap();
        assert_eq!(table.claim(0x30_0000, 1), None);
        table.release(first);
        assert_eq!(table.claim(0x30_0000, 1), Some(first));
        assert!(table.find(0x10_0000).is_none() && table.find(0x30_0fff).is_some());
    }

    #[test]
    fn extents_survive_packing_or_are_refused() {
        assert_eq!(unpack(pack(0x7fff_ffff_f000, 0x5000).unwrap()), (0x7fff_ffff_f000, 0x8000_0000_4000));
        assert_eq!(unpack(0), (0, 0));
        assert_eq!(pack(1 << 48, 4096), None);
        assert_eq!(pack(4096, 1 << 40), None);
    }

    #[test]
    fn empty_and_special_files_are_not_mapped() {
        let empty = tempfile::tempfile().unwrap();
        assert!(!may_map(&empty, &empty.metadata().unwrap()));
        assert!(Map::open(&empty, 0).is_err());
        let null = File::open("/dev/null").unwrap();
        assert!(!may_map(&null, &null.metadata().unwrap()));
    }

    /// Runs itself again, since the second run must die.
    #[test]
    fn a_bus_error_that_is_not_ours_still_kills() {
        const CHILD: &str = "AUTHFAULT_TEST_FOREIGN_SIGBUS";
        if std::env::var_os(CHILD).is_some() {
            assert!(handler_is_installed());
            let file = file_of(&vec![b'x'; PAGE]);
            // SAFETY: meant to fault.
            let foreign = unsafe { Mmap::map(&file).unwrap() };
            file.set_len(0).unwrap();
            std::hint::black_box(foreign.iter().map(|b| u64::from(*b)).sum::<u64>());
            return;
        }
        let name = "input::mmap::tests::a_bus_error_that_is_not_ours_still_kills";
        let child =
            Command::new(std::env::current_exe().unwrap()).args(["--exact", name]).env(CHILD, "1").output().unwrap();
        assert_eq!(child.status.signal(), Some(libc::SIGBUS), "{child:?}");
    }
}
