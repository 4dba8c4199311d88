/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The version, from the file VERSION.
 */

#ifndef TLSRPT_VERSION_H
#define TLSRPT_VERSION_H

#pragma GCC visibility push(hidden)

/* Like "0.9.0".  The name tlsrpt_version is taken, by libtlsrpt. */
extern const char  tlsrpt_release[];

#pragma GCC visibility pop

#endif
