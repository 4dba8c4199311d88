/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys in Redis.  One hash tag a policy domain, so that all of a domain is
 * in one slot of a cluster:
 *
 *     PREFIX:{DOMAIN}                    hash    totals of all time
 *     PREFIX:{DOMAIN}:YYYY-MM            hash    totals of each day
 *     PREFIX:{DOMAIN}:YYYY-MM-DD         string  the day's log
 *     PREFIX:{DOMAIN}:YYYY-MM:closed     hash    a month long over, packed
 *                                                (tlsrpt_closed.h)
 *     PREFIX:{DOMAIN}:YYYY-MM-DD:seen    set     digests of the reports of a
 *                                                week, or of what of it lies in
 *                                                the month; its first day
 *     PREFIX:{DOMAIN}:YYYY-MM-DD:kept    list    the day's reports
 *                                                (tlsrpt_kept.h)
 *     PREFIX:{DOMAIN}:YYYY-MM-DD:HEX     string  the text of a long one
 *     PREFIX:{DOMAIN}:problems           string  its open problems, and those
 *                                                that were (tlsrpt_state.h)
 *     PREFIX:{DOMAIN}:events             list    what became of them, newest
 *                                                first
 *     PREFIX:{DOMAIN}:acts               list    what people did, likewise
 *     PREFIX:{DOMAIN}:untold             list    events on their way to alerts,
 *                                                oldest first
 *     PREFIX:{DOMAIN}:served             string  versions of its policy
 *                                                (tlsrpt_serving.h)
 *     PREFIX:{DOMAIN}:fetches            hash    requests for it
 *                                                (tlsrpt_fetches.h)
 *     PREFIX:domains                     zset    index of all domains seen
 *                                                (tlsrpt_index.h)
 *     PREFIX:due                         zset    whose problems are to be
 *                                                worked out (tlsrpt_due.h)
 *     PREFIX:open                        zset    domains with open problems ->
 *                                                1 low, 2 medium, 3 high
 *     PREFIX:events                      zset    domains with events ->
 *                                                millisecond of the last one,
 *                                                or later
 *     PREFIX:untold                      zset    domains with events on their
 *                                                way, likewise
 *     PREFIX:lease:problems              string  set by nginx: rspamd need not
 *                                                work problems out
 *     PREFIX:mail                        hash    status -> how many reports
 *                                                that came by mail
 */

#ifndef TLSRPT_KEY_H
#define TLSRPT_KEY_H

#include "tlsrpt_command.h"
#include "tlsrpt_domain.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_MAX_PREFIX  64
#define TLSRPT_KEY_SIZE    (TLSRPT_MAX_PREFIX + TLSRPT_DOMAIN_LEN + 48)

typedef struct {
    char    data[TLSRPT_KEY_SIZE];
    size_t  len;
} tlsrpt_key_t;

/* suffix: "" or what follows the domain, the colon included.  A prefix or
   domain that is too long is cut: hosts check both. */
void tlsrpt_key_domain(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, const char *suffix);
void tlsrpt_key_month(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int32_t day);
void tlsrpt_key_closed(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int32_t day);
void tlsrpt_key_seen(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int32_t day);
void tlsrpt_key_day(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    tlsrpt_str_t domain, int32_t day, const char *suffix);

void tlsrpt_key_index(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_due(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_open(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_events(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_untold(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_lease(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_mail(tlsrpt_key_t *key, tlsrpt_str_t prefix);
/* minute: since 1970 */
void tlsrpt_key_new(tlsrpt_key_t *key, tlsrpt_str_t prefix, int64_t minute);
void tlsrpt_key_alerts(tlsrpt_key_t *key, tlsrpt_str_t prefix);
void tlsrpt_key_contacts(tlsrpt_key_t *key, tlsrpt_str_t prefix);
/* suffix: the colon included; of tlsrpt_serving.h, ":seen", ... */
void tlsrpt_key_checks(tlsrpt_key_t *key, tlsrpt_str_t prefix,
    const char *suffix);

/* A command that reads the key. */
typedef struct {
    tlsrpt_key_t      key;
    tlsrpt_command_t  command;
    const char       *argv[9];
    size_t            argvlen[9];
    char              numbers[4][24];
    size_t            nnumbers;
} tlsrpt_key_read_t;

/* Once the key is there.  GET, HGETALL, or HGET with a field: name and field
   are borrowed; field NULL: none. */
const tlsrpt_command_t *tlsrpt_key_read(tlsrpt_key_read_t *read,
    const char *name, const char *field, size_t field_len);
/* LRANGE or GETRANGE, both ends included. */
const tlsrpt_command_t *tlsrpt_key_range(tlsrpt_key_read_t *read,
    const char *name, long long first, long long last);
/* Any other, read->command: its name, then its arguments, which are borrowed;
   at most seven, of which four are numbers. */
void tlsrpt_key_ask(tlsrpt_key_read_t *read, const char *name);
void tlsrpt_key_ask_for(tlsrpt_key_read_t *read, const char *arg, size_t len);
void tlsrpt_key_ask_number(tlsrpt_key_read_t *read, long long value);

#pragma GCC visibility pop

#endif /* TLSRPT_KEY_H */
