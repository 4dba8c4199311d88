/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domains' totals of all time -> metrics, as OpenMetrics 1.0 or in the older
 * text format of Prometheus (0.0.4).
 *
 * Labels hold names of domains and the words of RFC 8460 alone: nothing a
 * sender chose.
 */

#ifndef TLSRPT_METRICS_H
#define TLSRPT_METRICS_H

#include "tlsrpt_buf.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_state.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_metrics  tlsrpt_metrics_t;

tlsrpt_metrics_t *tlsrpt_metrics_create(int openmetrics) TLSRPT_MUST_USE;
void tlsrpt_metrics_destroy(tlsrpt_metrics_t *metrics);

/* The reply to HGETALL of the domain's hash; one that is empty adds nothing. */
void tlsrpt_metrics_add(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply);
/* For an owner who sees what came since that second, 0: all; now: seconds.
   Nothing, where it is not known yet what came before. */
void tlsrpt_metrics_add_since(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_reply_t *reply, int64_t since, int64_t now);

/* Of the same reply: when the last report came; 0: there are no data. */
uint64_t tlsrpt_metrics_last(const tlsrpt_reply_t *reply);

/* Of the same reply: are any problems of the domain open?  Then its state is to
   be read. */
int tlsrpt_metrics_has_open(const tlsrpt_reply_t *reply);

/* How many are open; a state of which nothing is kept: none. */
void tlsrpt_metrics_open(tlsrpt_metrics_t *metrics, tlsrpt_str_t domain,
    const tlsrpt_state_t *state);

/* The reply to HGETALL of PREFIX:mail: what became of the reports that came by
   mail, as rspamd's plugin counts them. */
void tlsrpt_metrics_mail(tlsrpt_metrics_t *metrics,
    const tlsrpt_reply_t *reply);

/* The reply to HGETALL of PREFIX:{outbox}:counts: how alerts are delivered, as
   rspamd's plugin counts it; one that is empty adds nothing.  now: seconds. */
void tlsrpt_metrics_alerts(tlsrpt_metrics_t *metrics,
    const tlsrpt_reply_t *reply, int64_t now);

/* A metric of the host's own: a counter's name ends in "_total".  label NULL:
   none; label, value and help are the host's own words, unescaped.  Values of
   one name are given one after the other. */
typedef struct {
    const char  *name;
    const char  *help;
    const char  *type;                      /* "counter", "gauge" */
    const char  *label;
    const char  *label_value;
    double       value;
} tlsrpt_metric_t;

void tlsrpt_metrics_host(tlsrpt_metrics_t *metrics,
    const tlsrpt_metric_t *metric);
/* With a second label behind the first. */
void tlsrpt_metrics_host_by(tlsrpt_metrics_t *metrics,
    const tlsrpt_metric_t *metric, const char *label, const char *label_value);

/*
 * The text, in parts that follow one another; end: before they are taken, once.
 * Each may be taken as often as one likes before, and emptied (its len made
 * 0): then what comes next follows what was taken.
 */
#define TLSRPT_METRICS_PARTS  8
tlsrpt_buf_t *tlsrpt_metrics_part(tlsrpt_metrics_t *metrics, unsigned part);
void tlsrpt_metrics_end(tlsrpt_metrics_t *metrics);

/* All of it at once instead; free() it.  NULL: no memory. */
char *tlsrpt_metrics_text(tlsrpt_metrics_t *metrics, size_t *len)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_METRICS_H */
