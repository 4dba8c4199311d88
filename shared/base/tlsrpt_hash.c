/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <sys/random.h>

#include "tlsrpt_hash.h"


uint64_t  tlsrpt_hash_secret;


/* Before anything of the library runs. */

__attribute__((constructor))
static void
draw_secret(void)
{
    if (getentropy(&tlsrpt_hash_secret, sizeof(tlsrpt_hash_secret)) != 0) {
        /* where the system put us: better than nothing */
        tlsrpt_hash_secret = (uintptr_t) &tlsrpt_hash_secret;
    }
}
