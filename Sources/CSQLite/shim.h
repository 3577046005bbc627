// SQLite, as Debian ships it (libsqlite3-dev), and what Swift cannot call of it.
#include <sqlite3.h>

/// sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), which is variadic: no statistics of memory, and so no lock around each
/// allocation. Has an effect only before SQLite's first use in the process.
static inline int csqlite_disable_memory_statistics(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
