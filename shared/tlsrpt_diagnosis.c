/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_finding.h"
#include "tlsrpt_fold.h"


/* A problem is ongoing if it was seen on one of the range's last days: reports
   on a day come on the next one. */
#define ONGOING_DAYS  3
/* "One sender alone" says something only next to others that succeed. */
#define MIN_OTHERS    2
/* An address is new behind a mail server that was known for so long. */
#define KNOWN_DAYS    7

#define TEXT_SIZE     2048
#define NETWORK_LEN   (TLSRPT_VALUE_LEN + 24)

/* A text that is put together; what is too long is cut. */
typedef struct {
    char    data[TEXT_SIZE];
    size_t  len;
} words_t;


static void say(words_t *w, const char *format, ...) TLSRPT_PRINTF(2, 3);

static void
say(words_t *w, const char *format, ...)
{
    int      n;
    va_list  args;

    va_start(args, format);
    n = vsnprintf(w->data + w->len, TEXT_SIZE - w->len, format, args);
    va_end(args);

    if (n > 0) {
        w->len += (size_t) n < TEXT_SIZE - w->len ? (size_t) n
                                                  : TEXT_SIZE - 1 - w->len;
    }
}


/* The table's text, with the domain's own name for DOMAIN. */

static void
say_for(words_t *w, const char *text, tlsrpt_str_t domain)
{
    const char  *p;

    while ((p = strstr(text, "DOMAIN")) != NULL) {
        say(w, "%.*s%.*s", (int) (p - text), text, (int) domain.len,
            domain.data);
        text = p + sizeof("DOMAIN") - 1;
    }

    say(w, "%s", text);
}


/* Senders' text may be cut within a character: then there is none of it. */

static json_t *
words_json(const words_t *w)
{
    size_t   len = w->len;
    json_t  *json;

    do {
        json = json_stringn(w->data, len);
    } while (json == NULL && len-- > 0 && w->len - len < 4);

    return json != NULL ? json : json_string("");
}


static tlsrpt_str_t
group_text(const tlsrpt_groups_t *groups, const tlsrpt_group_t *group,
    char *buf)
{
    const char  *key = groups->keys.data + group->key;

    return tlsrpt_value_text(tlsrpt_groups_value(&key), buf);
}


/*
 * Severity, and what it costs
 */

tlsrpt_severity_t
tlsrpt_diagnosis_severity(const tlsrpt_finding_t *finding)
{
    tlsrpt_severity_t  severity = finding->explanation->severity;

    /* What costs mail is never of middling weight. */
    if (severity == TLSRPT_SEVERITY_MEDIUM
        && finding->explanation->loses == TLSRPT_LOSES_BY_MODE
        && finding->under & (TLSRPT_UNDER_ENFORCE | TLSRPT_UNDER_DANE))
    {
        return TLSRPT_SEVERITY_HIGH;
    }

    return severity;
}


static unsigned
under(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    unsigned  under = f->under;

    if (under != TLSRPT_UNDER_UNKNOWN || e->served == NULL) {
        return under;
    }

    return e->served->mode == MTA_STS_ENFORCE ? TLSRPT_UNDER_ENFORCE
           : e->served->mode == MTA_STS_TESTING ? TLSRPT_UNDER_TESTING
           : TLSRPT_UNDER_NONE;
}


static const char *
lost_mail(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    unsigned  modes = under(e, f);

    switch (f->explanation->loses) {
    case TLSRPT_LOSES_NOTHING:
        return "No mail is lost: a sender that cannot get the policy delivers "
               "without it, so the mail may travel unprotected. Senders that "
               "still hold an earlier copy of the policy keep to that one.";

    case TLSRPT_LOSES_ALWAYS:
        return "Yes: this sender delivers with DANE or not at all, so its mail "
               "is delayed and in the end returned.";

    default:
        break;
    }

    if (modes & TLSRPT_UNDER_DANE) {
        return "Yes: with DANE, senders do not deliver over such a connection. "
               "Mail is delayed, and returned to its sender if it goes on for "
               "days.";
    }

    if (modes & TLSRPT_UNDER_ENFORCE) {
        return "Yes: under a policy in mode enforce, senders do not deliver "
               "over such a connection. Mail is delayed, and returned to its "
               "sender if it goes on for days.";
    }

    if (modes & TLSRPT_UNDER_TESTING) {
        return "No: the policy is in mode testing, so senders report the "
               "failure and deliver all the same. In mode enforce this mail "
               "would be delayed or returned.";
    }

    if (modes & TLSRPT_UNDER_UNKNOWN) {
        return "The reports do not tell. Under a policy in mode enforce, or "
               "with DANE, such mail is delayed or returned; otherwise it is "
               "delivered.";
    }

    return "No: no policy asks for protection, so senders deliver all the "
           "same, perhaps without encryption.";
}


/*
 * Attack or mistake?
 */

/* Did this sender report failures of the finding? */

static int
is_failing(const tlsrpt_finding_t *f, tlsrpt_str_t name)
{
    char                    buf[TLSRPT_VALUE_LEN];
    const tlsrpt_groups_t  *g = &f->groups[TLSRPT_FINDING_ORGANIZATIONS];

    for (size_t i = 0; i < g->ngroups; i++) {
        tlsrpt_str_t  org = group_text(g, &g->groups[i], buf);

        if (org.len == name.len && memcmp(org.data, name.data, org.len) == 0) {
            return 1;
        }
    }

    return 0;
}


/* Senders that reached the domain with TLS on the days of the failures, and
   had none of them. */

static size_t
count_others(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    size_t  n = 0;

    for (size_t i = 0; i < e->nsenders; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        for (size_t day = f->first; day <= f->last; day++) {
            if (f->by_day[day] && s->days[day] & TLSRPT_SENDER_SUCCEEDED) {
                n += !is_failing(f, s->name);
                break;
            }
        }
    }

    return n;
}


/* The network that all addresses of the group are in, /24 or /48. */

static int
one_network(const tlsrpt_groups_t *groups, char buf[NETWORK_LEN])
{
    const char      *key;
    unsigned char    ip[16] = { 0 };
    tlsrpt_value_t   first = { NULL, 0, 0 }, v;
    size_t           keep = 0;
    char             text[TLSRPT_VALUE_LEN];

    for (size_t i = 0; i < groups->ngroups; i++) {
        key = groups->keys.data + groups->groups[i].key;
        v = tlsrpt_groups_value(&key);

        if (v.kind != TLSRPT_VALUE_IP) {
            return 0;
        }

        if (i == 0) {
            first = v;
            keep = v.len == 4 ? 3 : 6;
        }

        if (v.len != first.len || memcmp(v.data, first.data, keep) != 0) {
            return 0;
        }
    }

    if (first.data == NULL) {
        return 0;
    }

    memcpy(ip, first.data, keep);

    if (inet_ntop(first.len == 4 ? AF_INET : AF_INET6, ip, text, sizeof(text))
        == NULL)
    {
        return 0;
    }

    snprintf(buf, NETWORK_LEN, "%s/%zu", text, keep * 8);
    return 1;
}


static void
suspect_alone(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    words_t *w)
{
    char                    buf[TLSRPT_VALUE_LEN], network[NETWORK_LEN];
    size_t                  others;
    tlsrpt_str_t            org;
    const tlsrpt_groups_t  *orgs = &f->groups[TLSRPT_FINDING_ORGANIZATIONS];
    const tlsrpt_groups_t  *ips = &f->groups[TLSRPT_FINDING_SENDING_IPS];

    others = count_others(e, f);

    if (orgs->ngroups != 1 || others < MIN_OTHERS) {
        return;
    }

    org = group_text(orgs, &orgs->groups[0], buf);

    say(w, "Only %.*s failed, while %zu other senders reached your mail "
        "servers with TLS on the same days. ", (int) org.len, org.data,
        others);

    if (ips->ngroups && one_network(ips, network)) {
        say(w, "All its failures came from the network %s. ", network);
    }

    say(w, "%s", f->explanation->attack == TLSRPT_ATTACK_CLASSIC
        ? "A server that is set up wrongly fails for everybody; a single "
          "sender that finds no encryption is what somebody on the way who "
          "removes it would cause. It may also be a firewall at the sender. "
        : "A server that is set up wrongly fails for everybody; one sender "
          "failing alone may have somebody on the way to you, or a fault of "
          "its own. ");
}


/* An address that nobody had seen behind the mail server before. */

static void
suspect_address(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    words_t *w)
{
    char  day[TLSRPT_DAY_TEXT_LEN + 1], buf[TLSRPT_VALUE_LEN];

    const tlsrpt_groups_t  *ips = &f->groups[TLSRPT_FINDING_RECEIVING_IPS];

    for (size_t i = 0; i < e->naddresses; i++) {
        const tlsrpt_address_t  *a = &e->addresses[i], *known = NULL;

        for (size_t k = 0; k < e->naddresses; k++) {
            if (e->addresses[k].mx.data == a->mx.data
                && e->addresses[k].first + KNOWN_DAYS <= a->first)
            {
                known = &e->addresses[k];
            }
        }

        for (size_t k = 0; known != NULL && k < ips->ngroups; k++) {
            tlsrpt_str_t  ip = group_text(ips, &ips->groups[k], buf);

            if (ip.len != a->ip.len
                || memcmp(ip.data, a->ip.data, ip.len) != 0)
            {
                continue;
            }

            tlsrpt_day_text(e->range.from + (int32_t) a->first, day);
            say(w, "On %s the address %s answered for %s for the first time; "
                "before, it was %s. If the new address is not yours, somebody "
                "answers in your place. ", day, a->ip.data, a->mx.data,
                known->ip.data);
            return;
        }
    }
}


static json_t *
possible_attack(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    words_t  w;

    w.len = 0;

    if (f->explanation->attack == TLSRPT_ATTACK_UNLIKELY) {
        return json_null();
    }

    suspect_alone(e, f, &w);
    suspect_address(e, f, &w);

    if (w.len == 0) {
        return json_null();
    }

    w.len--;
    return words_json(&w);
}


/*
 * Cause and fix
 */

static int
is_served(const tlsrpt_evidence_t *e, tlsrpt_str_t mx)
{
    if (e->served == NULL) {
        return 0;
    }

    for (size_t i = 0; i < e->served->nmx; i++) {
        tlsrpt_str_t  pattern = { e->served->mx[i],
                                  strlen(e->served->mx[i]) };

        if (mta_sts_mx_match(pattern, mx)) {
            return 1;
        }
    }

    return 0;
}


/* Is the name below what "*." stands before, but by more than one label? */

static int
is_too_deep(tlsrpt_str_t mx, tlsrpt_str_t patterns)
{
    const char  *p = patterns.data, *end = patterns.data + patterns.len;

    while (p < end) {
        const char    *comma = memchr(p, ',', (size_t) (end - p));
        tlsrpt_str_t   tail = { p, (size_t) ((comma ? comma : end) - p) };

        if (tail.len > 2 && tail.data[0] == '*' && tail.data[1] == '.') {
            tail.data += 2;
            tail.len -= 2;

            if (mx.len > tail.len && tlsrpt_domain_within(mx, tail)) {
                return 1;
            }
        }

        p += tail.data + tail.len - p;
        p += end - p < 2 ? end - p : 2;
    }

    return 0;
}


static void
say_uncovered_cause(const tlsrpt_finding_t *f, words_t *w)
{
    for (size_t i = 0; i < f->nuncovered; i++) {
        const tlsrpt_uncovered_t  *u = &f->uncovered[i];

        say(w, "The mail server %s is in none of the mx lines of the policy "
            "that senders had (%s). ", u->mx.data, u->patterns.data);

        if (is_too_deep(u->mx, u->patterns)) {
            say(w, "In a policy \"*.\" stands for exactly one label: "
                "*.example.com covers mx.example.com, but not "
                "mx.eu.example.com. ");
        }
    }
}


static void
say_uncovered_fix(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    words_t *w)
{
    for (size_t i = 0; i < f->nuncovered; i++) {
        tlsrpt_str_t  mx = f->uncovered[i].mx;

        if (is_served(e, mx)) {
            say(w, "The policy served now covers %s: senders that hold the "
                "earlier one see it when its max_age is over or the id in DNS "
                "changes. ", mx.data);

        } else {
            say(w, "Add the line \"mx: %s\" to the policy, or take this server "
                "out of the MX records. ", mx.data);
        }
    }

    if (f->nuncovered && e->served == NULL) {
        say(w, "After a change of the policy change the id in the _mta-sts "
            "record too. ");
    }
}


static json_t *
cause_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    buf[TLSRPT_VALUE_LEN];
    words_t                 w;
    const char             *meaning;
    tlsrpt_str_t            reason;
    const tlsrpt_groups_t  *g = &f->groups[TLSRPT_FINDING_REASONS];

    w.len = 0;
    say_uncovered_cause(f, &w);

    for (size_t i = 0; i < g->ngroups && i < 3; i++) {
        reason = group_text(g, &g->groups[i], buf);
        meaning = tlsrpt_explain_reason(reason);

        if (meaning != NULL) {
            say(&w, "Senders say \"%.*s\": %s. ", (int) reason.len,
                reason.data, meaning);
        }
    }

    if (f->nuncovered == 0) {
        say_for(&w, f->explanation->cause, e->range.domain);

    } else if (w.len) {
        w.len--;
    }

    return words_json(&w);
}


static json_t *
fix_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    words_t  w;

    w.len = 0;
    say_uncovered_fix(e, f, &w);

    if (f->nuncovered == 0) {
        say_for(&w, f->explanation->fix, e->range.domain);

    } else if (w.len) {
        w.len--;
    }

    return words_json(&w);
}


static json_t *
title_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    buf[TLSRPT_VALUE_LEN];
    words_t                 w;
    tlsrpt_str_t            mx;
    const tlsrpt_groups_t  *g = &f->groups[TLSRPT_FINDING_MX];

    w.len = 0;

    if (f->nuncovered) {
        say(&w, "%s is missing from the MTA-STS policy",
            f->uncovered[0].mx.data);
        return words_json(&w);
    }

    say_for(&w, f->explanation->title, e->range.domain);

    if (*f->explanation->result_type == '\0') {
        say(&w, " (%.60s)", f->result_type.len ? f->result_type.data
                                               : "no result type");
    }

    if (g->ngroups == 1) {
        mx = group_text(g, &g->groups[0], buf);
        say(&w, ": %.*s", (int) mx.len, mx.data);

    } else if (g->ngroups) {
        say(&w, ": %zu mail servers", g->ngroups);
    }

    return words_json(&w);
}


/*
 * Lists and numbers
 */

static json_t *
list_json(const tlsrpt_groups_t *groups)
{
    char                    buf[TLSRPT_VALUE_LEN];
    json_t                 *array = json_array();
    tlsrpt_str_t            text;
    const tlsrpt_group_t  **sorted = tlsrpt_groups_sort(groups);

    for (size_t i = 0;
         sorted && array && i < groups->ngroups && i < TLSRPT_FINDING_LIST;
         i++)
    {
        text = group_text(groups, sorted[i], buf);

        if (json_array_append_new(array, json_stringn(text.data, text.len))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    if (sorted == NULL) {
        json_decref(array);
        array = NULL;
    }

    free(sorted);
    return array;
}


static json_t *
days_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char     day[TLSRPT_DAY_TEXT_LEN + 1];
    json_t  *array = json_array();

    for (size_t i = f->first; array && i <= f->last; i++) {
        if (f->by_day[i] == 0) {
            continue;
        }

        tlsrpt_day_text(e->range.from + (int32_t) i, day);

        if (json_array_append_new(array,
                json_pack("{s:s, s:I}", "day", day, "failed-session-count",
                          (json_int_t) f->by_day[i]))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


/* Of all sessions since the first failure. */

static double
share(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    double  all = 0;

    for (size_t i = f->first; i < e->range.ndays; i++) {
        all += (double) e->range.days[i].successful
               + (double) e->range.days[i].failure;
    }

    return all > (double) f->failed ? (double) f->failed / all : 1;
}


json_t *
tlsrpt_diagnosis_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    char                    first[TLSRPT_DAY_TEXT_LEN + 1];
    char                    last[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_groups_t  *g = f->groups;

    tlsrpt_day_text(e->range.from + (int32_t) f->first, first);
    tlsrpt_day_text(e->range.from + (int32_t) f->last, last);

    return json_pack("{s:s%, s:s, s:o, s:b, s:s, s:s, s:I, s:f,"
                     " s:o, s:o, s:o, s:o, s:o, s:o,"
                     " s:s, s:o, s:o, s:s, s:o, s:o}",
                     "result-type", f->result_type.data, f->result_type.len,
                     "severity",
                     tlsrpt_severity_name(tlsrpt_diagnosis_severity(f)),
                     "title", title_json(e, f),
                     "ongoing", f->last + ONGOING_DAYS >= e->range.ndays,
                     "first-day", first, "last-day", last,
                     "failed-session-count", (json_int_t) f->failed,
                     "share", share(e, f),
                     "organization-names",
                     list_json(&g[TLSRPT_FINDING_ORGANIZATIONS]),
                     "receiving-mx-hostnames", list_json(&g[TLSRPT_FINDING_MX]),
                     "sending-mta-ips",
                     list_json(&g[TLSRPT_FINDING_SENDING_IPS]),
                     "receiving-ips",
                     list_json(&g[TLSRPT_FINDING_RECEIVING_IPS]),
                     "failure-reason-codes",
                     list_json(&g[TLSRPT_FINDING_REASONS]),
                     "policy-types", list_json(&g[TLSRPT_FINDING_TYPES]),
                     "meaning", f->explanation->meaning,
                     "likely-cause", cause_json(e, f),
                     "fix", fix_json(e, f),
                     "lost-mail", lost_mail(e, f),
                     "possible-attack", possible_attack(e, f),
                     "by-day", days_json(e, f));
}
