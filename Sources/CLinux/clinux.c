#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

const int clinux_sock_nonblock_cloexec = SOCK_NONBLOCK | SOCK_CLOEXEC;

int clinux_accept(int listener, struct sockaddr_storage *peer) {
    socklen_t length = sizeof *peer;
    return accept4(listener, (struct sockaddr *)peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int clinux_epoll_set(int epoll, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    int result = epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event);
    return result == 0 || errno != ENOENT ? result : epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int clinux_epoll_remove(int epoll, int descriptor) {
    struct epoll_event unused = {0};
    return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &unused);
}

int clinux_epoll_wait(int epoll, clinux_event *events, int capacity, int timeout_ms) {
    struct epoll_event ready[512];
    int count = epoll_wait(epoll, ready, capacity < 512 ? capacity : 512, timeout_ms);
    for (int i = 0; i < count; i++) {
        events[i].events = ready[i].events;
        events[i].data = ready[i].data.u64;
    }
    return count;
}

int clinux_wait_readable(int descriptor, int64_t nanoseconds) {
    struct pollfd waited = {.fd = descriptor, .events = POLLIN};
    struct timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    return ppoll(&waited, 1, &limit, NULL);
}

void clinux_return_large_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2);
}

ptrdiff_t clinux_last_index(const void *bytes, size_t count, uint8_t byte) {
    const char *found = count == 0 ? NULL : memrchr(bytes, byte, count);
    return found == NULL ? -1 : found - (const char *)bytes;
}

int64_t clinux_birth_seconds(int descriptor) {
    struct statx status;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
    return status.stx_btime.tv_sec;
}

void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int clinux_signal_descriptor(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    // Inherited as ignored, children would leave without a word of how they ended.
    signal(SIGCHLD, SIG_DFL);
    const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction inherited;
        // What nohup(1) has us ignore would be told here all the same.
        if (sigaction(ending[i], NULL, &inherited) == 0 && inherited.sa_handler == SIG_IGN) continue;
        sigaddset(&signals, ending[i]);
    }
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0) return -1;
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int clinux_next_signal(int descriptor) {
    struct signalfd_siginfo info;
    return read(descriptor, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

/// What follows fork(2) in a process of several threads: nothing but calls that are safe in a signal's handler.
static void become_bound(const char *path, char *const *arguments, int errors, pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return;
    // Where the parent died before it was asked for, the signal never comes.
    if (getppid() != parent) return;
    if (setpgid(0, 0) != 0) return;
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) return;
    if (dup2(errors, STDERR_FILENO) < 0) return;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(path, arguments);
}

pid_t clinux_start_bound(const char *path, char *const *arguments, int errors, pid_t parent) {
    sigset_t all, before;
    sigfillset(&all);
    // No handler of the parent's is to run in the child.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        become_bound(path, arguments, errors, parent);
        _exit(127);
    }
    int code = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return child;
}

int clinux_memory_file(const void *bytes, size_t count) {
    int descriptor = memfd_create("hookd", MFD_CLOEXEC);
    const char *rest = bytes;
    while (descriptor >= 0 && count > 0) {
        ssize_t written = write(descriptor, rest, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            close(descriptor);
            return -1;
        }
        rest += written;
        count -= (size_t)written;
    }
    if (descriptor >= 0) lseek(descriptor, 0, SEEK_SET);
    return descriptor;
}
