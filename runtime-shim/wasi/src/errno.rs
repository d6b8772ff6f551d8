//! WASI's error numbers, and the translation from the host's.
//!
//! **Invariant.** The numbers are those of `wasi_snapshot_preview1`. A host error that WASI has no
//! name for becomes [`Errno::Io`], never success.

use rustix::io::Errno as HostErrno;

/// One line per error number: WASI's name and number, and the host's name for it.
macro_rules! errno_table {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $host:ident;)*) => {
        /// Why a WASI call failed, as the guest sees it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        pub enum Errno {
            $($(#[$doc])* $name = $number,)*
            /// The descriptor lacks a right, or the path leads out of its directory.
            NotCapable = 76,
        }

        impl From<HostErrno> for Errno {
            fn from(error: HostErrno) -> Self {
                match error {
                    $(HostErrno::$host => Self::$name,)*
                    _ => Self::Io,
                }
            }
        }

        #[cfg(test)]
        const TABLE: &[(Errno, u16, HostErrno)] = &[$((Errno::$name, $number, HostErrno::$host)),*];
    };
}

errno_table! {
    /// Argument list too long.
    TooBig = 1, TOOBIG;
    /// Permission denied.
    Access = 2, ACCESS;
    /// Address in use.
    AddrInUse = 3, ADDRINUSE;
    /// Address not available.
    AddrNotAvail = 4, ADDRNOTAVAIL;
    /// Address family not supported.
    AfNoSupport = 5, AFNOSUPPORT;
    /// Nothing to read or no room to write now.
    Again = 6, AGAIN;
    /// Connection already in progress.
    Already = 7, ALREADY;
    /// Not an open descriptor.
    BadF = 8, BADF;
    /// Bad message.
    BadMsg = 9, BADMSG;
    /// Device or resource busy.
    Busy = 10, BUSY;
    /// Operation cancelled.
    Canceled = 11, CANCELED;
    /// No child processes.
    Child = 12, CHILD;
    /// Connection aborted.
    ConnAborted = 13, CONNABORTED;
    /// Connection refused.
    ConnRefused = 14, CONNREFUSED;
    /// Connection reset.
    ConnReset = 15, CONNRESET;
    /// A deadlock would occur.
    Deadlk = 16, DEADLK;
    /// A destination address is needed.
    DestAddrReq = 17, DESTADDRREQ;
    /// Argument out of the function's domain.
    Dom = 18, DOM;
    /// Disk quota exceeded.
    DQuot = 19, DQUOT;
    /// The file exists.
    Exist = 20, EXIST;
    /// A pointer leads out of linear memory.
    Fault = 21, FAULT;
    /// File too large.
    FBig = 22, FBIG;
    /// Host unreachable.
    HostUnreach = 23, HOSTUNREACH;
    /// Identifier removed.
    IdRm = 24, IDRM;
    /// Not valid UTF-8.
    IlSeq = 25, ILSEQ;
    /// Operation in progress.
    InProgress = 26, INPROGRESS;
    /// Interrupted.
    Intr = 27, INTR;
    /// Invalid argument.
    Inval = 28, INVAL;
    /// Input or output error.
    Io = 29, IO;
    /// Socket is connected.
    IsConn = 30, ISCONN;
    /// Is a directory.
    IsDir = 31, ISDIR;
    /// Too many symbolic links, or one where none may be.
    Loop = 32, LOOP;
    /// Too many open descriptors.
    MFile = 33, MFILE;
    /// Too many links.
    MLink = 34, MLINK;
    /// Message too large.
    MsgSize = 35, MSGSIZE;
    /// Reserved.
    MultiHop = 36, MULTIHOP;
    /// File name too long.
    NameTooLong = 37, NAMETOOLONG;
    /// Network is down.
    NetDown = 38, NETDOWN;
    /// Connection aborted by the network.
    NetReset = 39, NETRESET;
    /// Network unreachable.
    NetUnreach = 40, NETUNREACH;
    /// Too many open files in the system.
    NFile = 41, NFILE;
    /// No buffer space.
    NoBufs = 42, NOBUFS;
    /// No such device.
    NoDev = 43, NODEV;
    /// No such file or directory.
    NoEnt = 44, NOENT;
    /// Not an executable.
    NoExec = 45, NOEXEC;
    /// No locks available.
    NoLck = 46, NOLCK;
    /// Reserved.
    NoLink = 47, NOLINK;
    /// Not enough memory.
    NoMem = 48, NOMEM;
    /// No message of that type.
    NoMsg = 49, NOMSG;
    /// Protocol not available.
    NoProtoOpt = 50, NOPROTOOPT;
    /// No space left on the device.
    NoSpc = 51, NOSPC;
    /// Function not implemented.
    NoSys = 52, NOSYS;
    /// Socket not connected.
    NotConn = 53, NOTCONN;
    /// Not a directory, or a symbolic link to one.
    NotDir = 54, NOTDIR;
    /// Directory not empty.
    NotEmpty = 55, NOTEMPTY;
    /// State not recoverable.
    NotRecoverable = 56, NOTRECOVERABLE;
    /// Not a socket.
    NotSock = 57, NOTSOCK;
    /// Not supported.
    NotSup = 58, NOTSUP;
    /// Not a terminal.
    NoTty = 59, NOTTY;
    /// No such device or address.
    NxIo = 60, NXIO;
    /// Value too large.
    Overflow = 61, OVERFLOW;
    /// Previous owner died.
    OwnerDead = 62, OWNERDEAD;
    /// Operation not permitted.
    Perm = 63, PERM;
    /// Broken pipe.
    Pipe = 64, PIPE;
    /// Protocol error.
    Proto = 65, PROTO;
    /// Protocol not supported.
    ProtoNoSupport = 66, PROTONOSUPPORT;
    /// Wrong protocol type for the socket.
    Prototype = 67, PROTOTYPE;
    /// Result too large.
    Range = 68, RANGE;
    /// Read-only file system.
    RoFs = 69, ROFS;
    /// Not seekable.
    SPipe = 70, SPIPE;
    /// No such process.
    Srch = 71, SRCH;
    /// Stale handle.
    Stale = 72, STALE;
    /// Timed out.
    TimedOut = 73, TIMEDOUT;
    /// Text file busy.
    TxtBsy = 74, TXTBSY;
    /// Across file systems.
    XDev = 75, XDEV;
}

impl Errno {
    /// What the guest's call returns.
    #[must_use]
    pub fn raw(self) -> u16 {
        self as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_translates_to_itself() {
        assert_eq!(TABLE.len(), 75);
        for (index, &(errno, number, host)) in TABLE.iter().enumerate() {
            assert_eq!(errno.raw(), number);
            assert_eq!(usize::from(number), index + 1, "the table is in order");
            assert_eq!(Errno::from(host), errno, "{host:?}");
        }
        assert_eq!(Errno::NotCapable.raw(), 76);
    }

    #[test]
    fn numbers_that_programs_depend_on() {
        let pairs = [
            (Errno::BadF, 8),
            (Errno::Fault, 21),
            (Errno::Inval, 28),
            (Errno::NoEnt, 44),
            (Errno::NotDir, 54),
            (Errno::NotSup, 58),
            (Errno::Perm, 63),
        ];
        assert!(pairs.iter().all(|(errno, number)| errno.raw() == *number));
    }

    #[test]
    fn unknown_host_errors_are_io_errors() {
        assert_eq!(Errno::from(HostErrno::REMOTEIO), Errno::Io);
        assert_eq!(Errno::from(HostErrno::from_raw_os_error(4095)), Errno::Io);
    }

    #[test]
    fn host_aliases_keep_their_meaning() {
        assert_eq!(Errno::from(HostErrno::WOULDBLOCK), Errno::Again);
        assert_eq!(Errno::from(HostErrno::OPNOTSUPP), Errno::NotSup);
    }
}
