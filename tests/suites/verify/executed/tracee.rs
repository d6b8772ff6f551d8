//! A process whose guest runs with nothing around it: when control gets to a place of its code, all addresses
//! but the kept ones are unmapped, system calls are refused, and from there on it is watched.
//!
//! Places are watched by the processor's debug registers, so no byte of the code is other than it was loaded.
//!
//! **Invariant: behind [`Tracee::confine`], every signal and every system call stops the process before it
//! has an effect**, and it is ended with its [`Tracee`].

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};
use std::fs::{File, read_to_string};
use std::io;
use std::mem::{MaybeUninit, offset_of};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// General-purpose registers of a process.
pub(crate) type Registers = libc::user_regs_struct;

/// What a child that cannot be traced ends with.
const NOT_TRACED: i32 = 113;

/// `syscall`
const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];

/// Addresses end here.
const LAST: u64 = 0x7fff_ffff_f000;

/// Bit of a status that is a stop at a system call.
const AT_CALL: i32 = 0x80;

/// A range of addresses that is mapped.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    pub(crate) range: Range<u64>,
    pub(crate) executable: bool,
    /// Offset in the file, and the file.
    pub(crate) offset: u64,
    pub(crate) inode: u64,
}

/// Why a process stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is about to execute the watched instruction with this number.
    Watched(usize),
    /// It makes a system call.
    SystemCall,
    /// A signal, with its code and address.
    Signal { number: i32, code: i32, address: u64 },
    /// It has ended.
    Ended,
}

/// `PTRACE_GET_RSEQ_CONFIGURATION`, and what it gives.
const GET_RSEQ_CONFIGURATION: libc::c_uint = 0x420f;

#[derive(Default)]
#[repr(C)]
struct RseqConfiguration {
    pointer: u64,
    size: u32,
    signature: u32,
    flags: u32,
    reserved: u32,
}

/// Waits, in the child, until it is traced.
pub(crate) struct Ready(());

impl Ready {
    /// Stops the process until its tracer goes on with it. From then on it gets a signal when it has used
    /// this much processor time.
    pub(crate) fn stop(self, time: Duration) {
        let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
        let value = libc::timeval { tv_usec: time.subsec_micros().into(), ..zero };
        let timer = libc::itimerval { it_interval: zero, it_value: value };
        // SAFETY: the timer is a value of this frame; the signal stops this process only.
        unsafe {
            libc::setitimer(libc::ITIMER_VIRTUAL, &raw const timer, std::ptr::null_mut());
            libc::raise(libc::SIGSTOP);
        }
    }
}

/// A traced process.
pub(crate) struct Tracee {
    pid: Pid,
    memory: File,
}

impl Drop for Tracee {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = kill_process(self.pid, Signal::KILL);
        while let Ok(Some((_, status))) = waitpid(Some(self.pid), WaitOptions::empty()) {
            if status.exited() || status.signaled() {
                break;
            }
        }
    }
}

impl Tracee {
    /// Forks a child, which runs `body` and ends. Returns when the child has [stopped](Ready::stop); nothing
    /// if it ended before that.
    ///
    /// # Errors
    ///
    /// That of the kernel, where a process may not be traced.
    pub(crate) fn fork(body: impl FnOnce(Ready)) -> io::Result<Option<Self>> {
        // SAFETY: the child runs the body, which takes no lock that a thread of the parent may hold but those
        // that are kept over a fork, and ends without running anything else.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: takes no pointers; a panic ends in this function.
            let traced = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } == 0;
            if traced {
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| body(Ready(()))));
            }
            // SAFETY: ends the process and takes a number.
            unsafe { libc::_exit(if traced { 0 } else { NOT_TRACED }) }
        }
        let pid = if pid > 0 { Pid::from_raw(pid) } else { None };
        let pid = pid.ok_or_else(io::Error::last_os_error)?;
        let status = waited(pid)?;
        if status.exit_status() == Some(NOT_TRACED) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the kernel refuses tracing"));
        }
        if !status.stopped() {
            return Ok(None);
        }
        let memory = format!("/proc/{}/mem", pid.as_raw_nonzero());
        let tracee = Self { pid, memory: File::options().read(true).write(true).open(memory)? };
        if status.stopping_signal() != Some(libc::SIGSTOP) {
            return Ok(None);
        }
        let options = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACESYSGOOD;
        tracee.request(libc::PTRACE_SETOPTIONS, 0, options as u64)?;
        Ok(Some(tracee))
    }

    /// Makes a request that neither reads nor writes memory of this process.
    fn request(&self, request: libc::c_uint, address: u64, data: u64) -> io::Result<()> {
        // SAFETY: the requests of this file that come here take numbers, and change the child only.
        let result = unsafe { libc::ptrace(request, self.pid.as_raw_nonzero().get(), address, data) };
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Has the kernel fill in a structure.
    fn get<T>(&self, request: libc::c_uint) -> io::Result<T> {
        let mut value = MaybeUninit::<T>::zeroed();
        self.request(request, 0, value.as_mut_ptr() as u64)?;
        // SAFETY: the kernel has written the structure that goes with the request, which consists of numbers.
        Ok(unsafe { value.assume_init() })
    }

    /// Its registers.
    pub(crate) fn registers(&self) -> io::Result<Registers> {
        self.get(libc::PTRACE_GETREGS)
    }

    /// Its control word of floating point.
    pub(crate) fn mxcsr(&self) -> io::Result<u32> {
        Ok(self.get::<libc::user_fpregs_struct>(libc::PTRACE_GETFPREGS)?.mxcsr)
    }

    /// Sets its registers.
    pub(crate) fn set_registers(&self, registers: &Registers) -> io::Result<()> {
        self.request(libc::PTRACE_SETREGS, 0, &raw const *registers as u64)
    }

    /// Its memory from an address on.
    pub(crate) fn read(&self, address: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let mut read = vec![0; bytes as usize];
        self.memory.read_exact_at(&mut read, address)?;
        Ok(read)
    }

    /// Changes its memory from an address on.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.memory.write_all_at(bytes, address)
    }

    /// A word of its memory.
    pub(crate) fn word(&self, address: u64) -> io::Result<u64> {
        let mut word = [0; 8];
        self.memory.read_exact_at(&mut word, address)?;
        Ok(u64::from_le_bytes(word))
    }

    /// What it has mapped.
    pub(crate) fn mapped(&self) -> io::Result<Vec<Mapped>> {
        let text = read_to_string(format!("/proc/{}/maps", self.pid.as_raw_nonzero()))?;
        Ok(text.lines().filter_map(Mapped::parse).collect())
    }

    /// Watches these instructions, and no others.
    pub(crate) fn watch(&self, instructions: &[u64]) -> io::Result<()> {
        let register = |number: usize| offset_of!(libc::user, u_debugreg) as u64 + 8 * number as u64;
        self.request(libc::PTRACE_POKEUSER, register(7), 0)?;
        let mut enabled = 0;
        for (number, &instruction) in instructions.iter().enumerate() {
            self.request(libc::PTRACE_POKEUSER, register(number), instruction)?;
            enabled |= 1 << (2 * number);
        }
        self.request(libc::PTRACE_POKEUSER, register(7), enabled)
    }

    /// Goes on, system calls included, until it is about to execute an instruction. `false` if something else
    /// happens before.
    pub(crate) fn runs_to(&self, instruction: u64) -> io::Result<bool> {
        self.watch(&[instruction])?;
        self.request(libc::PTRACE_CONT, 0, 0)?;
        let stopped = waited(self.pid)?.stopping_signal() == Some(libc::SIGTRAP);
        Ok(stopped && self.registers()?.rip == instruction)
    }

    /// Goes on until something happens. `watched` is what was given to [`Tracee::watch`].
    pub(crate) fn run(&self, watched: &[u64]) -> io::Result<Stop> {
        self.request(libc::PTRACE_SYSCALL, 0, 0)?;
        let status = waited(self.pid)?;
        let Some(number) = status.stopping_signal() else { return Ok(Stop::Ended) };
        if number == libc::SIGTRAP | AT_CALL {
            return Ok(Stop::SystemCall);
        }
        let rip = self.registers()?.rip;
        if number == libc::SIGTRAP
            && let Some(position) = watched.iter().position(|&watched| watched == rip)
        {
            return Ok(Stop::Watched(position));
        }
        let about: libc::siginfo_t = self.get(libc::PTRACE_GETSIGINFO)?;
        // SAFETY: the structure is the kernel's, and every signal's has a word here.
        let address = unsafe { about.si_addr() } as u64;
        Ok(Stop::Signal { number, code: about.si_code, address })
    }

    /// Unmaps everything but the kept ranges, which are whole pages, has the kernel refuse system calls, and
    /// leaves the registers as they are. It stands at code that is kept.
    pub(crate) fn confine(&self, keep: &[Range<u64>]) -> io::Result<()> {
        self.watch(&[])?;
        let registers = self.registers()?;
        let mut code = [0; SYSTEM_CALL.len()];
        self.memory.read_exact_at(&mut code, registers.rip)?;
        self.memory.write_all_at(&SYSTEM_CALL, registers.rip)?;
        self.unregister_rseq(&registers)?;
        let mut keep = keep.to_vec();
        keep.sort_unstable_by_key(|range| range.start);
        let mut start = 0;
        for kept in keep.iter().cloned().chain(std::iter::once(LAST..LAST)) {
            if kept.start > start {
                self.call(&registers, libc::SYS_munmap, [start, kept.start - start, 0, 0])?;
            }
            start = start.max(kept.end);
        }
        let strict = [libc::PR_SET_SECCOMP as u64, libc::SECCOMP_MODE_STRICT as u64, 0, 0];
        self.call(&registers, libc::SYS_prctl, strict)?;
        self.memory.write_all_at(&code, registers.rip)?;
        self.set_registers(&registers)
    }

    /// Takes back the memory of the C library that the kernel writes to when a thread goes on (rseq).
    fn unregister_rseq(&self, at: &Registers) -> io::Result<()> {
        const UNREGISTER: u64 = 1;
        let mut about = RseqConfiguration::default();
        let size = size_of_val(&about) as u64;
        // A kernel before 5.13 does not know the request.
        let known = self.request(GET_RSEQ_CONFIGURATION, size, &raw mut about as u64).is_ok();
        if !known || about.pointer == 0 {
            return Ok(());
        }
        let arguments = [about.pointer, about.size.into(), UNREGISTER, about.signature.into()];
        self.call(at, libc::SYS_rseq, arguments)
    }

    /// Has it make a system call, with the instruction that it stands at.
    fn call(&self, at: &Registers, number: i64, arguments: [u64; 4]) -> io::Result<()> {
        let [rdi, rsi, rdx, r10] = arguments;
        let call = Registers { rax: number as u64, orig_rax: u64::MAX, rdi, rsi, rdx, r10, r8: 0, ..*at };
        self.set_registers(&call)?;
        self.request(libc::PTRACE_SINGLESTEP, 0, 0)?;
        let status = waited(self.pid)?;
        let after = self.registers()?;
        let stepped = status.stopping_signal() == Some(libc::SIGTRAP);
        if !stepped || after.rip != at.rip + SYSTEM_CALL.len() as u64 || after.rax != 0 {
            let what = format!("system call {number} of {arguments:x?}: {status:?}, rax {:#x}", after.rax);
            return Err(io::Error::other(what));
        }
        Ok(())
    }
}

/// Waits until a child stops or ends.
fn waited(pid: Pid) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Mapped {
    /// A line of `/proc/PID/maps`.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let (start, end) = fields.next()?.split_once('-')?;
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        let range = number(start)?..number(end)?;
        let executable = fields.next()?.contains('x');
        let offset = number(fields.next()?)?;
        let inode = fields.nth(1)?.parse().ok()?;
        Some(Self { range, executable, offset, inode })
    }
}
