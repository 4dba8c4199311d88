/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a process stays in its event loop: CPU time of the thread between
 * two waits.  By LD_PRELOAD; the longest of all processes, in nanoseconds, is
 * in the file that STAY_FILE names (8 bytes, written beforehand, and by whoever
 * wants to begin anew).
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


static volatile uint64_t  *longest;
static uint64_t            woken;           /* 0: not yet */

static int (*wait_for)(int epoll, struct epoll_event *events, int n,
    int timeout);


__attribute__((constructor))
static void
begin(void)
{
    int          fd;
    void        *p;
    const char  *path = getenv("STAY_FILE");

    *(void **) &wait_for = dlsym(RTLD_NEXT, "epoll_wait");

    if (path == NULL) {
        return;
    }

    fd = open(path, O_RDWR);

    if (fd >= 0) {
        p = mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 0);
        longest = p != MAP_FAILED ? p : NULL;
        close(fd);
    }
}


static uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


int
epoll_wait(int epoll, struct epoll_event *events, int n, int timeout)
{
    int  rc;

    if (longest != NULL && woken != 0) {
        uint64_t  stay = now() - woken;

        if (stay > *longest) {
            *longest = stay;
        }
    }

    rc = wait_for(epoll, events, n, timeout);
    woken = now();

    return rc;
}
