// Starts a program as systemd would: under the system call filter, the address families and the ban on memory that is
// written and executed of a unit. Root is not needed.
//
//     filtered ERROR FAMILIES CALLS PROGRAM ARGUMENT…
//
// ERROR is the error that a forbidden call gets, or 0 where the process is to be killed. FAMILIES is a list of numbers
// with commas, CALLS a file with the name of an allowed call on each line.
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what) {
    fprintf(stderr, "filtered: %s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

// systemd's MemoryDenyWriteExecute= and RestrictAddressFamilies=.
static int restrict_arguments(const char *families) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) return -1;
    const scmp_datum_t both = PROT_WRITE | PROT_EXEC;
    int failed = seccomp_rule_add(
        filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
    failed |= seccomp_rule_add(
        filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    char known[AF_MAX] = {0};
    for (const char *rest = families; *rest != 0;) {
        char *end;
        const long family = strtol(rest, &end, 10);
        if (end == rest || family < 0 || family >= AF_MAX) return -1;
        known[family] = 1;
        rest = *end == ',' ? end + 1 : end;
    }
    for (unsigned family = 0; family < AF_MAX; family++) {
        if (known[family]) continue;
        failed |= seccomp_rule_add(
            filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
    }
    if (failed == 0) failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

static int allow_calls(const char *path, int error) {
    FILE *file = fopen(path, "r");
    if (file == NULL) return -1;
    scmp_filter_ctx filter = seccomp_init(error == 0 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO((uint32_t)error));
    char name[64];
    int failed = filter == NULL ? -1 : 0;
    while (failed == 0 && fscanf(file, "%63s", name) == 1) {
        const int number = seccomp_syscall_resolve_name(name);
        // A call of other machines or of a kernel to come.
        if (number == __NR_SCMP_ERROR || number < 0) continue;
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
    }
    fclose(file);
    if (failed == 0) failed = seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: filtered ERROR FAMILIES CALLS PROGRAM ARGUMENT...\n");
        return 64;
    }
    // The last one may forbid to load another.
    if (restrict_arguments(arguments[2]) != 0) return fail("the filter of arguments");
    if (allow_calls(arguments[3], atoi(arguments[1])) != 0) return fail("the filter of calls");
    execv(arguments[4], arguments + 4);
    return fail(arguments[4]);
}
