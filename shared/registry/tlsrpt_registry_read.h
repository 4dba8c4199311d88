/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The registry in Redis, all of it in one slot, and the commands that read it.
 * Only what says so expires; what is over goes by "ends".
 *
 *     PREFIX:{registry}               hash    DOMAIN -> record
 *                                             (tlsrpt_registry_record.h)
 *     PREFIX:{registry}:meta          hash    epoch, version: the last N
 *     PREFIX:{registry}:versions      zset    DOMAIN -> N of its record
 *     PREFIX:{registry}:names         zset    domains held or waiting, scores 0
 *     PREFIX:{registry}:tokens        hash    TOKEN -> DOMAIN, pending ones too
 *     PREFIX:{registry}:owner:OWNER   zset    the same of an owner
 *     PREFIX:{registry}:gone:OWNER    zset    those that it has withdrawn just
 *                                             now -> second until which that
 *                                             counts; expires after the last
 *     PREFIX:{registry}:followers:D   zset    domains that are same-as D
 *     PREFIX:{registry}:looks         zset    DOMAIN -> second of the next look
 *                                             in DNS
 *     PREFIX:{registry}:ends          zset    DOMAIN -> second when something
 *                                             of it is over by time alone
 *     PREFIX:{registry}:untold        list    events that are not yet in their
 *                                             domains' lists
 *                                             (tlsrpt_registry_acts.h)
 *     PREFIX:{registry}:lease         string  rspamd's: who looks in DNS
 *     PREFIX:{registry}:seen          string  set while rspamd looks
 */

#ifndef TLSRPT_REGISTRY_READ_H
#define TLSRPT_REGISTRY_READ_H

#include "tlsrpt_key.h"
#include "tlsrpt_reply.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_REGISTRY_PAGE  1000          /* names read at a time */

/* A key of it; suffix: "" or with its colon: ":lease". */
void tlsrpt_key_registry(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    const char *suffix);
/* ":owner:", ":gone:" or ":followers:", and whose. */
void tlsrpt_key_registry_of(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    const char *suffix, tlsrpt_str_t name);

/* Commands that are borrowed from read, as are their arguments. */

/* The record of a domain. */
const tlsrpt_command_t *tlsrpt_registry_get(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, tlsrpt_str_t domain);
/* The domain of a token, in lower case. */
const tlsrpt_command_t *tlsrpt_registry_by_token(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, tlsrpt_str_t token);
/* Epoch and version: HMGET of both. */
const tlsrpt_command_t *tlsrpt_registry_meta(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix);
/* Domains whose record is later than the version, each with its N, in that
   order: TLSRPT_REGISTRY_PAGE at most.  From 0: all. */
const tlsrpt_command_t *tlsrpt_registry_changed(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, uint64_t version);
/* Domains that are same-as this one, n at most. */
const tlsrpt_command_t *tlsrpt_registry_followers(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, tlsrpt_str_t domain, size_t n);
/* Domains with a second of ":looks" or ":ends" up to now, n at most. */
const tlsrpt_command_t *tlsrpt_registry_due(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, const char *suffix, int64_t now, size_t n);
/* The oldest events that are to be drained, n at most. */
const tlsrpt_command_t *tlsrpt_registry_untold(tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, size_t n);

/* Commands of the caller's.  NULL: no memory. */

/* HMGET of n records, TLSRPT_REGISTRY_PAGE at most. */
tlsrpt_command_t *tlsrpt_registry_records(tlsrpt_str_t prefix,
    const tlsrpt_str_t *domains, size_t n) TLSRPT_MUST_USE;
/* n names after the given one, in order: of all (owner NULL), or of an owner.
   Those of an owner may be of records that it is no longer in. */
tlsrpt_command_t *tlsrpt_registry_names(tlsrpt_str_t prefix,
    const tlsrpt_str_t *owner, tlsrpt_str_t after, size_t n) TLSRPT_MUST_USE;
/* DNS is looked at then, if it is to be looked at. */
tlsrpt_command_t *tlsrpt_registry_look(tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int64_t second) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_READ_H */
