/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "mta_sts_policy.h"
#include "tlsrpt_count.h"
#include "tlsrpt_hash.h"
#include "tlsrpt_result.h"
#include "tlsrpt_strings.h"
#include "tlsrpt_tally.h"


/*
 * Sessions.  Some senders count the same sessions under "sts" and again under
 * "tlsa" (RFC 8460 4: "Reporters may report multiple applied policies"), so of
 * these two the larger sum stands for both.
 */

static size_t
type_of(tlsrpt_tally_t *tally, tlsrpt_str_t policy_type)
{
    size_t                 i;
    tlsrpt_tally_type_t   *t;
    static const char      overflow[] = TLSRPT_OVERFLOW;

    for (i = 0; i < tally->ntypes; i++) {
        t = &tally->types[i];

        if (tlsrpt_str_equal(t->policy_type, policy_type)) {
            return i;
        }
    }

    if (i == TLSRPT_MAX_TYPES + 1) {
        return TLSRPT_MAX_TYPES;
    }

    if (i == TLSRPT_MAX_TYPES) {
        policy_type.data = overflow;
        policy_type.len = sizeof(overflow) - 1;
    }

    tally->ntypes++;
    memset(&tally->types[i], 0, sizeof(tally->types[i]));
    tally->types[i].policy_type = policy_type;

    return i;
}


static uint64_t
larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}


static void
tally_sessions(tlsrpt_tally_t *tally)
{
    size_t    i;
    unsigned  code;
    uint64_t  all[2] = { 0, 0 }, failed_of[2] = { 0, 0 };
    uint64_t  sessions = 0, failed = 0;

    for (i = 0; i < tally->ntypes; i++) {
        const tlsrpt_tally_type_t  *t = &tally->types[i];

        uint64_t  sum = tlsrpt_count_add(t->successful, t->failed);

        code = t->policy_type.data ? tlsrpt_policy_type_code(t->policy_type)
                                   : 0;

        if (code == TLSRPT_TYPE_STS || code == TLSRPT_TYPE_TLSA) {
            all[code == TLSRPT_TYPE_TLSA] = sum;
            failed_of[code == TLSRPT_TYPE_TLSA] = t->failed;

        } else {
            sessions = tlsrpt_count_add(sessions, sum);
            failed = tlsrpt_count_add(failed, t->failed);
        }
    }

    sessions = tlsrpt_count_add(sessions, larger(all[0], all[1]));
    tally->failed = tlsrpt_count_add(failed,
                                     larger(failed_of[0], failed_of[1]));
    tally->successful = sessions - tally->failed;
}


/*
 * The policy that the sender applied (RFC 8460 4.5: its lines as strings).
 */

/* What follows "name:" and blanks in a policy's line; data NULL: another. */

static tlsrpt_str_t
line_value(tlsrpt_str_t line, const char *name)
{
    size_t        n = strlen(name);
    tlsrpt_str_t  value = { NULL, 0 };

    if (line.len <= n || memcmp(line.data, name, n) != 0
        || line.data[n] != ':')
    {
        return value;
    }

    for (n++; n < line.len && line.data[n] == ' '; n++) {
        /* void */
    }

    value.data = line.data + n;
    value.len = line.len - n;

    return value;
}


static void
add_pattern(tlsrpt_tally_applied_t *policy, tlsrpt_str_t mx)
{
    if (policy->nmx < TLSRPT_MAX_PATTERNS && mx.len
        && mx.len <= TLSRPT_MAX_STRING)
    {
        policy->mx[policy->nmx++] = mx;
    }
}


/* mx-host, or where it is missing the policy's own mx lines. */

static void
tally_applied(tlsrpt_tally_applied_t *applied,
    const tlsrpt_applied_policy_t *policy)
{
    tlsrpt_str_t  value;

    applied->mode = 0;
    applied->nmx = 0;

    for (size_t i = 0; i < policy->nmx_host; i++) {
        value = line_value(policy->mx_host[i], "mx");
        add_pattern(applied, value.data ? value : policy->mx_host[i]);
    }

    for (size_t i = 0; i < policy->npolicy_string; i++) {
        value = line_value(policy->policy_string[i], "mode");

        if (value.data != NULL) {
            applied->mode = (unsigned) (mta_sts_mode(value) + 1);
        }

        value = line_value(policy->policy_string[i], "mx");

        if (value.data != NULL && policy->nmx_host == 0) {
            add_pattern(applied, value);
        }
    }
}


/*
 * Failure details: equal ones become one row.  The strings of a report are
 * interned, so pointers tell whether they are equal.
 */

typedef struct {
    tlsrpt_tally_t  *tally;
    uint16_t        *slots;                 /* index of a row + 1 */
    size_t           nslots;                /* a power of two */
    size_t           text;                  /* bytes of the rows' strings */
} rows_t;


static int
rows_create(rows_t *rows, tlsrpt_tally_t *tally, size_t most)
{
    if (most > TLSRPT_MAX_ROWS) {
        most = TLSRPT_MAX_ROWS;
    }

    rows->tally = tally;
    rows->slots = NULL;
    rows->text = 0;

    for (rows->nslots = 16; rows->nslots < 2 * most; rows->nslots *= 2) {
        /* void */
    }

    if (most == 0) {
        return 0;
    }

    tally->rows = malloc(most * sizeof(*tally->rows));
    rows->slots = calloc(rows->nslots, sizeof(*rows->slots));

    return tally->rows != NULL && rows->slots != NULL ? 0 : -1;
}


static uint64_t
row_hash(const tlsrpt_tally_row_t *row)
{
    uint64_t  seed = 0x9e3779b97f4a7c15ULL, h = row->type;

    h = tlsrpt_hash_mul(h ^ (uintptr_t) row->result_type.data, seed);
    h = tlsrpt_hash_mul(h ^ (uintptr_t) row->sending_mta_ip.data, seed);
    h = tlsrpt_hash_mul(h ^ (uintptr_t) row->receiving_mx_hostname.data, seed);
    h = tlsrpt_hash_mul(h ^ (uintptr_t) row->receiving_ip.data, seed);
    h = tlsrpt_hash_mul(h ^ (uintptr_t) row->failure_reason_code.data, seed);

    return h;
}


static int
row_equal(const tlsrpt_tally_row_t *a, const tlsrpt_tally_row_t *b)
{
    return a->type == b->type
           && a->result_type.data == b->result_type.data
           && a->sending_mta_ip.data == b->sending_mta_ip.data
           && a->receiving_mx_hostname.data == b->receiving_mx_hostname.data
           && a->receiving_ip.data == b->receiving_ip.data
           && a->failure_reason_code.data == b->failure_reason_code.data;
}


static size_t
row_text(const tlsrpt_tally_row_t *row)
{
    return row->result_type.len + row->sending_mta_ip.len
           + row->receiving_mx_hostname.len + row->receiving_ip.len
           + row->failure_reason_code.len;
}


static void
rows_add(rows_t *rows, const tlsrpt_tally_row_t *row)
{
    size_t           i = row_hash(row) & (rows->nslots - 1);
    tlsrpt_tally_t  *tally = rows->tally;

    tally->failed_in_details = tlsrpt_count_add(tally->failed_in_details,
                                                row->failed);

    for ( ; rows->slots[i]; i = (i + 1) & (rows->nslots - 1)) {
        tlsrpt_tally_row_t  *old = &tally->rows[rows->slots[i] - 1];

        if (row_equal(old, row)) {
            old->failed = tlsrpt_count_add(old->failed, row->failed);
            return;
        }
    }

    rows->text += row_text(row);

    if (tally->nrows == TLSRPT_MAX_ROWS || rows->text > TLSRPT_MAX_ROWS_TEXT) {
        tally->overflow = tlsrpt_count_add(tally->overflow, row->failed);
        return;
    }

    tally->rows[tally->nrows++] = *row;
    rows->slots[i] = (uint16_t) tally->nrows;
}


/* The policy's failures that its details do not account for. */

static uint64_t
unspecified(const tlsrpt_applied_policy_t *policy)
{
    uint64_t  sum = policy->overflow;

    for (size_t i = 0; i < policy->ndetails; i++) {
        sum = tlsrpt_count_add(sum, policy->details[i].failed_session_count);
    }

    return policy->failed > sum ? policy->failed - sum : 0;
}


static void
tally_details(rows_t *rows, const tlsrpt_applied_policy_t *policy,
    unsigned type)
{
    tlsrpt_tally_row_t          row;
    static const tlsrpt_str_t   word = { "unspecified", 11 };

    for (size_t i = 0; i < policy->ndetails; i++) {
        const tlsrpt_detail_t  *d = &policy->details[i];

        row.type = type;
        row.result_type = d->result_type;
        row.sending_mta_ip = d->sending_mta_ip;
        row.receiving_mx_hostname = d->receiving_mx_hostname;
        row.receiving_ip = d->receiving_ip;
        row.failure_reason_code = d->failure_reason_code;
        row.failed = d->failed_session_count;

        if (row.failed) {
            rows_add(rows, &row);
        }
    }

    memset(&row, 0, sizeof(row));
    row.type = type;
    row.result_type = word;
    row.failed = unspecified(policy);

    if (row.failed) {
        rows_add(rows, &row);
    }

    rows->tally->overflow = tlsrpt_count_add(rows->tally->overflow,
                                             policy->overflow);
    rows->tally->failed_in_details
        = tlsrpt_count_add(rows->tally->failed_in_details, policy->overflow);
}


void
tlsrpt_tally_free(tlsrpt_tally_t *tally)
{
    free(tally->rows);
    tally->rows = NULL;
}


/* Most rows that the domain's policies can make. */

static size_t
count_rows(const tlsrpt_report_t *report, unsigned domain)
{
    size_t  n = 0;

    for (size_t i = 0; i < report->npolicies; i++) {
        const tlsrpt_applied_policy_t  *p = &report->policies[i];

        if (p->domain == domain) {
            n += p->ndetails + (p->failed != 0);
        }
    }

    return n;
}


int
tlsrpt_tally_report(tlsrpt_tally_t *tally, const tlsrpt_report_t *report,
    unsigned domain)
{
    rows_t  rows;

    memset(tally, 0, offsetof(tlsrpt_tally_t, types));
    tally->nrows = 0;
    tally->rows = NULL;
    tally->overflow = 0;
    tally->failed_in_details = 0;

    if (rows_create(&rows, tally, count_rows(report, domain)) != 0) {
        free(rows.slots);
        tlsrpt_tally_free(tally);
        return -1;
    }

    for (size_t i = 0; i < report->npolicies; i++) {
        const tlsrpt_applied_policy_t  *p = &report->policies[i];

        if (p->domain == domain) {
            size_t                n = type_of(tally, p->policy_type);
            tlsrpt_tally_type_t  *t = &tally->types[n];

            t->successful = tlsrpt_count_add(t->successful, p->successful);
            t->failed = tlsrpt_count_add(t->failed, p->failed);

            if (p->failed > t->worst) {
                t->worst = p->failed;
                tally_applied(&t->applied, p);
            }

            tally_details(&rows, p, (unsigned) n);
        }
    }

    tally_sessions(tally);
    free(rows.slots);

    return 0;
}
