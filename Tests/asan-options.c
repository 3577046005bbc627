// AddressSanitizer's options, linked into programs that are built for it: a daemon that a test starts gets them too,
// whatever its environment. Tables that live as long as the program look like leaks to it.
const char *__asan_default_options(void);

const char *__asan_default_options(void) {
    return "detect_leaks=0:quarantine_size_mb=16";
}
