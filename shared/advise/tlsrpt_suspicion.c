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


/* Addresses next to each other, /24 or /48, mostly belong to one network. */

static size_t
network_len(size_t address_len)
{
    return address_len == 4 ? 3 : 6;
}


static int
is_same_network(tlsrpt_value_t a, tlsrpt_value_t b)
{
    return a.kind == TLSRPT_VALUE_IP && a.len == b.len
           && memcmp(a.data, b.data, network_len(a.len)) == 0;
}


int
tlsrpt_suspicion_network(const tlsrpt_problem_t *p,
    char buf[TLSRPT_NETWORK_LEN])
{
    const char             *key;
    unsigned char           ip[16] = { 0 };
    tlsrpt_value_t          first = { NULL, 0, 0 }, v;
    char                    text[TLSRPT_VALUE_LEN];
    const tlsrpt_groups_t  *ips = &p->groups[TLSRPT_PROBLEM_SENDING_IPS];

    for (size_t i = 0; i < ips->ngroups; i++) {
        key = ips->keys.data + ips->groups[i].key;
        v = tlsrpt_groups_value(&key);
        first = i ? first : v;

        if (!is_same_network(v, first)) {
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

    snprintf(buf, TLSRPT_NETWORK_LEN, "%s/%zu", text,
             network_len(first.len) * 8);

    return p->addressed == p->raw ? 1 : -1;
}


static void
say_network(const tlsrpt_problem_t *p, tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    char  network[TLSRPT_NETWORK_LEN];
    int   rc = tlsrpt_suspicion_network(p, network);

    if (rc == 0) {
        return;
    }

    tlsrpt_name_made(names, "network", "%s", network);
    tlsrpt_name_made(names, "addressed", "%llu",
                     (unsigned long long) p->addressed);
    tlsrpt_name_count(names, "failed", p->raw, "failed session");
    tlsrpt_say(w, names, tlsrpt_text("attack", rc > 0 ? "network"
                                                      : "network-some"));
}


void
tlsrpt_suspicion(const tlsrpt_problem_t *p, tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    w->len = 0;

    if (p->mx_state == TLSRPT_MX_UNKNOWN || p->mx_state == TLSRPT_MX_FOREIGN) {
        tlsrpt_name(names, "registered", tlsrpt_registered_domain(p->mx));
        tlsrpt_say(w, names, tlsrpt_text("attack",
                                         p->mx_state == TLSRPT_MX_FOREIGN
                                         ? "foreign" : "unknown"));

    } else if (p->suspect == TLSRPT_SUSPECT_WEAK) {
        tlsrpt_say(w, names, tlsrpt_text("attack", "weak"));

    } else if (p->suspect == TLSRPT_SUSPECT_FEW) {
        tlsrpt_say(w, names, tlsrpt_text("attack",
                                         p->explanation->attack
                                         == TLSRPT_ATTACK_CLASSIC
                                         ? "stripped" : "few"));
        say_network(p, names, w);
    }

    tlsrpt_say_no_more(w);
}
