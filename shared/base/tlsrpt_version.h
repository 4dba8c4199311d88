/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The version of all of this, from the file VERSION.
 */

#ifndef TLSRPT_VERSION_H
#define TLSRPT_VERSION_H

#pragma GCC visibility push(hidden)

/* As "0.9.0".  libtlsrpt has taken the name tlsrpt_version. */
extern const char  tlsrpt_release[];

#pragma GCC visibility pop

#endif
