/** The system calls that an instance may make; every other one fails. Docs of the format: OCI runtime spec, linux.seccomp. */

export interface SeccompArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
}

export interface SeccompRule {
  names: string[];
  action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompProfile {
  defaultAction: 'SCMP_ACT_ERRNO';
  defaultErrnoRet: number;
  syscalls: SeccompRule[];
}

const EPERM = 1;
const ENOSYS = 38;

/** Name -> value of <sys/socket.h>. Every other family is attack surface that sandboxes have no use for. */
const SOCKET_FAMILIES = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 };

/** Linux and Linux32 personalities, each plain and without address randomisation (gdb), and the query. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x40000, 0x20008, 0xffffffff];

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET: no namespaces within an instance. */
const CLONE_NAMESPACES = 0x7e020000;

// Grouped as the man pages group them. What is missing is missing on purpose: mount and namespace calls, kernel
// modules, kexec, bpf, perf, io_uring, userfaultfd, keyrings, clocks, swap, quotas, raw port input and output.
const ALLOWED = `
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek close close_range dup dup2 dup3
  open openat openat2 creat pipe pipe2 fcntl flock ioctl select pselect6 poll ppoll sendfile splice tee vmsplice
  copy_file_range readahead fadvise64 sync syncfs fsync fdatasync sync_file_range truncate ftruncate fallocate
  cachestat memfd_create memfd_secret

  stat lstat fstat newfstatat statx access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown lchown fchown
  fchownat link linkat symlink symlinkat readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat
  rmdir mknod mknodat getdents getdents64 getcwd chdir fchdir chroot umask utime utimes utimensat futimesat
  statfs fstatfs ustat getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr
  removexattr lremovexattr fremovexattr getxattrat setxattrat listxattrat removexattrat name_to_handle_at
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  landlock_create_ruleset landlock_add_rule landlock_restrict_self

  mmap munmap mprotect mremap msync madvise process_madvise mincore brk mlock mlock2 mlockall munlock munlockall
  mseal membarrier pkey_alloc pkey_free pkey_mprotect remap_file_pages map_shadow_stack process_mrelease
  get_mempolicy mbind set_mempolicy set_mempolicy_home_node

  fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal
  pidfd_getfd getpid getppid gettid getpgid getpgrp setpgid getsid setsid prctl arch_prctl set_tid_address
  set_robust_list get_robust_list set_thread_area get_thread_area rseq futex futex_wait futex_wake futex_requeue
  futex_waitv restart_syscall ptrace process_vm_readv process_vm_writev capget capset seccomp
  getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid setresuid setresgid
  setgroups setfsuid setfsgid getrlimit setrlimit getrusage getpriority setpriority ioprio_get ioprio_set
  sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler
  sched_setscheduler sched_getattr sched_setattr sched_get_priority_max sched_get_priority_min
  sched_rr_get_interval getcpu uname sysinfo times getrandom alarm pause

  rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo
  rt_tgsigqueueinfo sigaltstack signalfd signalfd4 eventfd eventfd2 epoll_create epoll_create1 epoll_ctl
  epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2

  time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep adjtimex clock_adjtime getitimer setitimer
  timer_create timer_delete timer_gettime timer_settime timer_getoverrun timerfd_create timerfd_gettime
  timerfd_settime

  socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt sendto
  recvfrom sendmsg recvmsg sendmmsg recvmmsg

  semget semop semctl semtimedop shmget shmat shmctl shmdt msgget msgsnd msgrcv msgctl mq_open mq_unlink
  mq_timedsend mq_timedreceive mq_notify mq_getsetattr io_setup io_destroy io_submit io_cancel io_getevents
  io_pgetevents
`;

const words = (text: string): string[] => text.trim().split(/\s+/);

const allowWhenEqual = (name: string, values: number[]): SeccompRule[] =>
  values.map((value) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
  }));

/**
 * Denies by default with EPERM. Holds for the node's own architecture only: a program of another one (32-bit on
 * x86-64) is killed, because every further architecture doubles the filter and its attack surface.
 */
export function seccompProfile(): SeccompProfile {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    syscalls: [
      { names: words(ALLOWED), action: 'SCMP_ACT_ALLOW' },
      ...allowWhenEqual('socket', Object.values(SOCKET_FAMILIES)),
      ...allowWhenEqual('personality', PERSONALITIES),
      // Only the caller's own limits: root in the guest could starve its PID 1 of descriptors, and so keep the core out.
      ...allowWhenEqual('prlimit64', [0]),
      {
        names: ['clone'],
        action: 'SCMP_ACT_ALLOW',
        args: [{ index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      },
      // Its flags lie in memory, where a filter cannot look: "not there" makes every libc fall back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}
