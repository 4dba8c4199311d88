/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Preloaded into a program under test, so that the Internet that it knows is
 * the test's: all names are 127.0.0.1, and what is sent to port 53 or 443 goes
 * where TLSRPT_DNS and TLSRPT_HTTPS say ("ADDRESS:PORT").  An answer of DNS
 * comes from where the question was sent, as resolvers look at that.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>


static struct sockaddr_in  asked;           /* of DNS */


static int
redirect(struct sockaddr_in *to, const char *name)
{
    char         address[INET_ADDRSTRLEN];
    const char  *text = getenv(name);
    const char  *colon = text ? strchr(text, ':') : NULL;

    if (colon == NULL || (size_t) (colon - text) >= sizeof(address)) {
        return -1;
    }

    memcpy(address, text, (size_t) (colon - text));
    address[colon - text] = '\0';
    to->sin_port = htons((unsigned short) atoi(colon + 1));

    return inet_pton(AF_INET, address, &to->sin_addr) == 1 ? 0 : -1;
}


int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
    struct sockaddr_in  to;
    int               (*real)(int, const struct sockaddr *, socklen_t);

    real = (int (*)(int, const struct sockaddr *, socklen_t))
               dlsym(RTLD_NEXT, "connect");

    if (address->sa_family == AF_INET && len >= sizeof(to)) {
        memcpy(&to, address, sizeof(to));

        if (to.sin_port == htons(53)) {
            asked = to;
        }

        if ((to.sin_port == htons(53) && redirect(&to, "TLSRPT_DNS") == 0)
            || (to.sin_port == htons(443)
                && redirect(&to, "TLSRPT_HTTPS") == 0))
        {
            return real(fd, (struct sockaddr *) &to, sizeof(to));
        }
    }

    return real(fd, address, len);
}


ssize_t
recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from,
    socklen_t *len)
{
    ssize_t             n;
    struct sockaddr_in  dns = { 0 };
    ssize_t           (*real)(int, void *, size_t, int, struct sockaddr *,
                              socklen_t *);

    real = (ssize_t (*)(int, void *, size_t, int, struct sockaddr *,
                        socklen_t *)) dlsym(RTLD_NEXT, "recvfrom");
    n = real(fd, buf, size, flags, from, len);

    if (n >= 0 && from != NULL && len != NULL && *len >= sizeof(dns)
        && from->sa_family == AF_INET && redirect(&dns, "TLSRPT_DNS") == 0
        && ((struct sockaddr_in *) from)->sin_port == dns.sin_port
        && ((struct sockaddr_in *) from)->sin_addr.s_addr
           == dns.sin_addr.s_addr)
    {
        memcpy(from, &asked, sizeof(asked));
    }

    return n;
}


/* What recvfrom() is where _FORTIFY_SOURCE looks at the size. */

ssize_t __recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags,
    struct sockaddr *from, socklen_t *len);

ssize_t
__recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags,
    struct sockaddr *from, socklen_t *len)
{
    return recvfrom(fd, buf, size < room ? size : room, flags, from, len);
}


int
getaddrinfo(const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **result)
{
    struct addrinfo  only = { 0 };
    int            (*real)(const char *, const char *, const struct addrinfo *,
                           struct addrinfo **);

    real = (int (*)(const char *, const char *, const struct addrinfo *,
                    struct addrinfo **)) dlsym(RTLD_NEXT, "getaddrinfo");

    if (node == NULL || strchr(node, '.') == NULL
        || (hints != NULL && hints->ai_flags & AI_NUMERICHOST))
    {
        return real(node, service, hints, result);
    }

    only.ai_family = AF_INET;
    only.ai_socktype = hints ? hints->ai_socktype : 0;
    only.ai_protocol = hints ? hints->ai_protocol : 0;

    return real("127.0.0.1", service, &only, result);
}
