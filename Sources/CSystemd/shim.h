// libsystemd, as Debian ships it (libsystemd-dev): notification, sockets that are handed over, the journal.

// Without it, sd_journal_sendv is a macro that adds the place in the C source: there is none.
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
