// What Linux offers and Glibc's Swift module leaves out or gives no usable type.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/un.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/// SOCK_NONBLOCK | SOCK_CLOEXEC, which Swift sees as values of an enumeration.
extern const int clinux_sock_nonblock_cloexec;

/// accept4(2), non-blocking and close-on-exec. Its declaration needs _GNU_SOURCE.
int clinux_accept(int listener, struct sockaddr_storage *peer);

/// epoll_ctl(2) to add `descriptor` with `events` and 64 bits of the caller's. The event's type is a packed
/// structure around a union.
int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data);

/// epoll_ctl(2) to change what `descriptor` is watched for, or to add it where it is not there.
int clinux_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t data);

/// epoll_ctl(2) to remove `descriptor`.
int clinux_epoll_remove(int epoll, int descriptor);

/// One ready descriptor, as epoll_wait(2) reports it.
typedef struct clinux_event {
    uint32_t events;
    uint64_t data;
} clinux_event;

/// epoll_wait(2) for at most `capacity` events, at most 512 at once.
int clinux_epoll_wait(int epoll, clinux_event *events, int capacity, int timeout_ms);

/// ppoll(2) until `descriptor` can be read, at most `nanoseconds` by the monotonic clock. Returns what ppoll does.
int clinux_wait_readable(int descriptor, int64_t nanoseconds);

/// Names the calling thread for `ps -L` and `top -H`; of a longer name, the first 15 bytes.
void clinux_name_thread(const char *name);

/// Keeps SIGCHLD, and those of SIGINT, SIGTERM and SIGHUP that are not ignored, from doing what they do, and
/// makes a descriptor that is readable when one has come (signalfd(2)); -1 with errno set where it cannot be had.
int clinux_signal_descriptor(void);

/// The next signal that has come on a descriptor of `clinux_signal_descriptor`; 0 where there is none.
int clinux_next_signal(int descriptor);

/// Starts the program at `path`, which ends by SIGKILL when the calling thread ends, whatever ends that
/// (PR_SET_PDEATHSIG of prctl(2)). One that finds itself without `parent`, the caller, ends at once. Its standard input
/// and output are /dev/null, its standard error is `errors`; all signals do what they do by default, and it leads a
/// process group of its own. Returns -1 with errno set where there is no process; what cannot become the program ends
/// with 127.
pid_t clinux_start_bound(const char *path, char *const *arguments, int errors, pid_t parent);

/// A file in memory that holds `count` bytes and is read from its beginning (memfd_create(2)); -1 with errno set.
int clinux_memory_file(const void *bytes, size_t count);

/// Where the last `byte` is in the first `count` bytes at `bytes` (memrchr(3)); -1 where there is none.
ptrdiff_t clinux_last_index(const void *bytes, size_t count, uint8_t byte);

/// When a file was made, in seconds since 1970 (UTC), by statx(2); 0 where its file system does not know.
int64_t clinux_birth_seconds(int descriptor);

/// CLOCK_MONOTONIC in nanoseconds: for deadlines, never set back.
static inline int64_t clinux_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/// Has glibc give back to the system whatever is 256 KiB or larger as soon as it is freed, and keep 1 MiB at the end
/// of a heap. On its own it raises the first bound to what was last freed, up to 32 MiB, and then keeps bodies of
/// megabytes in heaps full of holes. With a lower one the batches of a busy daemon come and go as fresh pages: at
/// 128 KiB a callback met 0.3 page faults and a microsecond more. Two heaps serve all threads: Dispatch's come and go,
/// and with a heap for each what is left over in them grew by 3.7 MiB an hour under load, with two by 1.0.
void clinux_return_large_memory(void);

/// Has the processor fetch the cache line at `address`, which will be read soon. Does nothing else, whatever it is.
static inline void clinux_prefetch(const void *address) { __builtin_prefetch(address); }

/// CLOCK_REALTIME in microseconds since 1970 (UTC): what callbacks are signed with, and what may be set back.
static inline int64_t clinux_wall_microseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}
