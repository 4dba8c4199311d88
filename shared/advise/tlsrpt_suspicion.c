/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Attack or mistake?
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "tlsrpt_suspicion.h"


/* "One sender alone" says something only next to others that succeed. */
#define MIN_OTHERS   2
/* An address is new behind a mail server that was known for so long. */
#define KNOWN_DAYS   7

#define NETWORK_LEN  (TLSRPT_VALUE_LEN + 24)


/* Did this sender report failures of the problem? */

static int
is_failing(const tlsrpt_problem_t *p, tlsrpt_str_t name)
{
    char                    buf[TLSRPT_VALUE_LEN];
    const tlsrpt_groups_t  *g = &p->groups[TLSRPT_PROBLEM_ORGANIZATIONS];

    for (size_t i = 0; i < g->ngroups; i++) {
        tlsrpt_str_t  org = tlsrpt_groups_text(g, &g->groups[i], buf);

        if (tlsrpt_str_equal(org, name)) {
            return 1;
        }
    }

    return 0;
}


/* Senders that reached the domain with TLS, or had its policy, on the days of
   the failures, and had none of them. */

static size_t
count_others(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p)
{
    size_t          n = 0;
    const unsigned  flag = tlsrpt_problem_is_of_policy(p)
                           ? TLSRPT_SENDER_FETCHED : TLSRPT_SENDER_SUCCEEDED;

    for (size_t i = 0; i < e->nsenders; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        for (int32_t day = p->first; day <= p->last; day++) {
            const size_t  at = (size_t) (day - e->scan.from);

            if (p->by_day[at] && s->days[at] & flag) {
                n += !is_failing(p, s->name);
                break;
            }
        }
    }

    return n;
}


/* Addresses next to each other, /24 or /48, mostly belong to one network. */

static size_t
network_len(size_t address_len)
{
    return address_len == 4 ? 3 : 6;
}


static int
is_same_network(const char *a, size_t alen, const char *b, size_t blen)
{
    return alen == blen && memcmp(a, b, network_len(alen)) == 0;
}


/* The network that all addresses of the group are in. */

static int
one_network(const tlsrpt_groups_t *groups, char buf[NETWORK_LEN])
{
    const char      *key;
    unsigned char    ip[16] = { 0 };
    tlsrpt_value_t   first = { NULL, 0, 0 }, v;
    char             text[TLSRPT_VALUE_LEN];

    for (size_t i = 0; i < groups->ngroups; i++) {
        key = groups->keys.data + groups->groups[i].key;
        v = tlsrpt_groups_value(&key);
        first = i ? first : v;

        if (v.kind != TLSRPT_VALUE_IP
            || !is_same_network(v.data, v.len, first.data, first.len))
        {
            return 0;
        }
    }

    if (first.data == NULL) {
        return 0;
    }

    memcpy(ip, first.data, network_len(first.len));

    if (inet_ntop(first.len == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text))
        == NULL)
    {
        return 0;
    }

    snprintf(buf, NETWORK_LEN, "%s/%zu", text, network_len(first.len) * 8);
    return 1;
}


static int
is_stripping(const tlsrpt_problem_t *p)
{
    return !tlsrpt_problem_is_of_policy(p)
           && p->explanation->attack == TLSRPT_ATTACK_CLASSIC;
}


static void
say_who_failed(const tlsrpt_problem_t *p, size_t others, tlsrpt_words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN];
    tlsrpt_str_t            org;
    const tlsrpt_groups_t  *orgs = &p->groups[TLSRPT_PROBLEM_ORGANIZATIONS];

    if (orgs->ngroups == 1) {
        org = tlsrpt_groups_text(orgs, &orgs->groups[0], buf);
        tlsrpt_say(w, "Only %.*s failed, ", (int) org.len, org.data);

    } else {
        tlsrpt_say(w, "Only %zu senders failed, ", orgs->ngroups);
    }

    tlsrpt_say(w, "while %zu other%s %s on the same days. ", others,
               orgs->ngroups == 1 ? " senders" : "s",
               tlsrpt_problem_is_of_policy(p)
               ? "had the policy" : "reached your mail servers with TLS");
}


/* Few fail where others succeed: one sender, several in one network, or, where
   TLS was not offered, fewer than those to whom it was. */

static void
suspect_few(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    char          network[NETWORK_LEN];
    size_t        others = count_others(e, p);
    const size_t  n = p->groups[TLSRPT_PROBLEM_ORGANIZATIONS].ngroups;
    const int     near = one_network(&p->groups[TLSRPT_PROBLEM_SENDING_IPS],
                                     network);

    if (others < MIN_OTHERS
        || (n > 1 && !near && (!is_stripping(p) || n >= others)))
    {
        return;
    }

    say_who_failed(p, others, w);

    if (near) {
        tlsrpt_say(w, "All these failures came from the network %s. ", network);
    }

    tlsrpt_say(w, "%s", is_stripping(p)
               ? "A server that is set up wrongly fails for everybody who "
                 "comes to it; somebody on the way who removes the offer of "
                 "encryption fails a few. If they did not all come to one and "
                 "the same server, suspect that, or a firewall at the sender. "
               : "A server that is set up wrongly fails for everybody; when "
                 "few fail, either somebody is between them and you, or the "
                 "fault is theirs. ");
}


/* What stood behind the same mail server long before; NULL: nothing, or there
   was a neighbour of the new address, as of a host with many of them. */

static const tlsrpt_address_t *
known_before(const tlsrpt_evidence_t *e, const tlsrpt_address_t *new)
{
    const tlsrpt_address_t  *known = NULL;

    for (size_t i = 0; i < e->naddresses; i++) {
        const tlsrpt_address_t  *a = &e->addresses[i];

        if (a->mx.data != new->mx.data || a->first + KNOWN_DAYS > new->first) {
            continue;
        }

        if (is_same_network(a->bytes.data, a->bytes.len, new->bytes.data,
                            new->bytes.len))
        {
            return NULL;
        }

        /* the other family is no other place */
        known = a->bytes.len == new->bytes.len ? a : known;
    }

    return known;
}


static int
has_address(const tlsrpt_problem_t *p, const tlsrpt_address_t *a)
{
    const char             *key;
    tlsrpt_value_t          v;
    const tlsrpt_groups_t  *ips = &p->groups[TLSRPT_PROBLEM_RECEIVING_IPS];

    for (size_t i = 0; i < ips->ngroups; i++) {
        key = ips->keys.data + ips->groups[i].key;
        v = tlsrpt_groups_value(&key);

        if (v.kind == TLSRPT_VALUE_IP && v.len == a->bytes.len
            && memcmp(v.data, a->bytes.data, v.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* An address that nobody had seen behind the mail server before. */

static void
suspect_address(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    char                     day[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_address_t  *known;

    for (size_t i = 0; i < e->naddresses; i++) {
        const tlsrpt_address_t  *a = &e->addresses[i];

        known = has_address(p, a) ? known_before(e, a) : NULL;

        if (known != NULL) {
            tlsrpt_day_text(e->scan.from + (int32_t) a->first, day);
            tlsrpt_say(w, "On %s a failure at %s was reported from the "
                       "address %s for the first time; earlier ones were at "
                       "%s. If the new address is not yours, somebody answers "
                       "in your place. ", day,
                       a->mx.data, a->ip.data, known->ip.data);
            return;
        }
    }
}


void
tlsrpt_suspicion(const tlsrpt_evidence_t *e, const tlsrpt_problem_t *p,
    tlsrpt_words_t *w)
{
    w->len = 0;

    if (p->explanation->attack == TLSRPT_ATTACK_UNLIKELY) {
        return;
    }

    suspect_few(e, p, w);
    suspect_address(e, p, w);
    tlsrpt_say_no_more(w);
}
