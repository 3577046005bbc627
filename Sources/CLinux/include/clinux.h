// What Linux offers and Glibc's Swift module leaves out.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/// accept4(2), which needs _GNU_SOURCE to be declared.
int clinux_accept4(int listener, struct sockaddr *address, socklen_t *length, int flags);
