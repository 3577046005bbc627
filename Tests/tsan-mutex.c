// What ThreadSanitizer must be told of Swift's Mutex, linked into programs that are built for it.
//
// The fast ways of Mutex are inlined, and their atomic operations seen. Where it is contended, the kernel hands it from
// one thread to the next (FUTEX_LOCK_PI): the library that asks for that is not instrumented, and each handing over looks
// like a race. So the two slow ways are defined here once more, around those of the library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// func _lockSlow(_ selfId: UInt32) and func _unlockSlow() of Synchronization._MutexHandle, by their mangled names.
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

SWIFT void lock_slow(uint32_t thread, SELF void *handle) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF void *handle) __asm__(UNLOCK_SLOW);

SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
    typedef SWIFT void (*original)(uint32_t, SELF void *);
    ((original)dlsym(RTLD_NEXT, LOCK_SLOW))(thread, handle);
    __tsan_acquire(handle);
}

SWIFT void unlock_slow(SELF void *handle) {
    typedef SWIFT void (*original)(SELF void *);
    __tsan_release(handle);
    ((original)dlsym(RTLD_NEXT, UNLOCK_SLOW))(handle);
}
