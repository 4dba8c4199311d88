/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_finding.h"
#include "tlsrpt_fold.h"
#include "tlsrpt_utf8.h"


/* A problem is ongoing if it was seen on one of the range's last days: reports
   on a day come on the next one. */
#define ONGOING_DAYS  3
/* "One sender alone" says something only next to others that succeed. */
#define MIN_OTHERS    2
/* An address is new behind a mail server that was known for so long. */
#define KNOWN_DAYS    7

/* What is told of mail servers and reasons, one by one. */
#define MAX_TOLD      3
#define MAX_REASON    80

#define TEXT_SIZE     4096
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


/* The table's text, with the domain's own name in it. */

static void
say_for(words_t *w, const char *text, tlsrpt_str_t domain)
{
    w->len += tlsrpt_explain_for(text, domain, w->data + w->len,
                                 TEXT_SIZE - w->len);
}


/* Sentences end with a space, for the next one: the last needs none. */

static void
say_no_more(words_t *w)
{
    while (w->len && w->data[w->len - 1] == ' ') {
        w->len--;
    }
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

/* Where no report tells, it is what is served now. */

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


tlsrpt_severity_t
tlsrpt_diagnosis_severity(const tlsrpt_evidence_t *e,
    const tlsrpt_finding_t *f)
{
    tlsrpt_severity_t  severity = f->explanation->severity;

    /* What costs mail is never of middling weight. */
    if (severity == TLSRPT_SEVERITY_MEDIUM
        && f->explanation->loses == TLSRPT_LOSES_BY_MODE
        && under(e, f) & (TLSRPT_UNDER_ENFORCE | TLSRPT_UNDER_DANE))
    {
        return TLSRPT_SEVERITY_HIGH;
    }

    return severity;
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

        if (tlsrpt_str_equal(org, name)) {
            return 1;
        }
    }

    return 0;
}


/* Does it keep senders from the policy, and not from a mail server? */

static int
is_of_policy(const tlsrpt_finding_t *f)
{
    return f->explanation->loses == TLSRPT_LOSES_NOTHING;
}


/* Senders that reached the domain with TLS, or had its policy, on the days of
   the failures, and had none of them. */

static size_t
count_others(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    size_t          n = 0;
    const unsigned  flag = is_of_policy(f) ? TLSRPT_SENDER_FETCHED
                                           : TLSRPT_SENDER_SUCCEEDED;

    for (size_t i = 0; i < e->nsenders; i++) {
        const tlsrpt_sender_t  *s = &e->senders[i];

        for (size_t day = f->first; day <= f->last; day++) {
            if (f->by_day[day] && s->days[day] & flag) {
                n += !is_failing(f, s->name);
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


/* Few fail where others succeed: one sender, several in one network, or, where
   TLS was not offered, fewer than those to whom it was. */

static void
suspect_few(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f, words_t *w)
{
    int                     near;
    char                    buf[TLSRPT_VALUE_LEN], network[NETWORK_LEN];
    size_t                  others = count_others(e, f);
    tlsrpt_str_t            org;
    const tlsrpt_groups_t  *orgs = &f->groups[TLSRPT_FINDING_ORGANIZATIONS];
    const int               stripping = !is_of_policy(f)
                                && f->explanation->attack
                                   == TLSRPT_ATTACK_CLASSIC;

    near = one_network(&f->groups[TLSRPT_FINDING_SENDING_IPS], network);

    if (others < MIN_OTHERS
        || (orgs->ngroups > 1 && !near
            && (!stripping || orgs->ngroups >= others)))
    {
        return;
    }

    if (orgs->ngroups == 1) {
        org = group_text(orgs, &orgs->groups[0], buf);
        say(w, "Only %.*s failed, ", (int) org.len, org.data);

    } else {
        say(w, "Only %zu senders failed, ", orgs->ngroups);
    }

    say(w, "while %zu other%s %s on the same days. ", others,
        orgs->ngroups == 1 ? " senders" : "s",
        is_of_policy(f) ? "had the policy"
                        : "reached your mail servers with TLS");

    if (near) {
        say(w, "All these failures came from the network %s. ", network);
    }

    say(w, "%s", stripping
        ? "A server that is set up wrongly fails for everybody who comes to "
          "it; somebody on the way who removes the offer of encryption fails "
          "a few. If they did not all come to one and the same server, "
          "suspect that, or a firewall at the sender. "
        : "A server that is set up wrongly fails for everybody; when few fail, "
          "either somebody is between them and you, or the fault is theirs. ");
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
has_address(const tlsrpt_finding_t *f, const tlsrpt_address_t *a)
{
    const char             *key;
    tlsrpt_value_t          v;
    const tlsrpt_groups_t  *ips = &f->groups[TLSRPT_FINDING_RECEIVING_IPS];

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
suspect_address(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    words_t *w)
{
    char                     day[TLSRPT_DAY_TEXT_LEN + 1];
    const tlsrpt_address_t  *known;

    for (size_t i = 0; i < e->naddresses; i++) {
        const tlsrpt_address_t  *a = &e->addresses[i];

        known = has_address(f, a) ? known_before(e, a) : NULL;

        if (known != NULL) {
            tlsrpt_day_text(e->range.from + (int32_t) a->first, day);
            say(w, "On %s a failure at %s was reported from the address %s for "
                "the first time; earlier ones were at %s. If the new address "
                "is not yours, somebody answers in your place. ", day,
                a->mx.data, a->ip.data, known->ip.data);
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

    suspect_few(e, f, &w);
    suspect_address(e, f, &w);

    if (w.len == 0) {
        return json_null();
    }

    say_no_more(&w);
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


/* A mail server that senders did not find in the policy, and the number of
   those that are not told. */

static size_t
told(const tlsrpt_finding_t *f)
{
    return f->nuncovered < MAX_TOLD ? f->nuncovered : MAX_TOLD;
}


/* Did other mail servers fail, too, or a failure that the policy does not
   explain? */

static int
is_explained(const tlsrpt_finding_t *f)
{
    return f->nuncovered
           && f->nuncovered == f->groups[TLSRPT_FINDING_MX].ngroups
           && f->explanation->severity == TLSRPT_SEVERITY_MEDIUM;
}


static void
say_uncovered_cause(const tlsrpt_finding_t *f, words_t *w)
{
    int  too_deep = 0;

    for (size_t i = 0; i < told(f); i++) {
        const tlsrpt_uncovered_t  *u = &f->uncovered[i];

        say(w, "No mx line of the policy that senders had (%s) covers the mail "
            "server %s. ", u->patterns.data, u->mx.data);
        too_deep |= u->too_deep;
    }

    if (f->nuncovered > told(f)) {
        say(w, "Neither are others covered (%zu more). ",
            f->nuncovered - told(f));
    }

    if (too_deep) {
        say(w, "In a policy \"*.\" stands for exactly one label: "
            "*.example.com covers mx.example.com, but not "
            "mx.eu.example.com. ");
    }
}


static void
say_uncovered_fix(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f,
    words_t *w)
{
    int  add = 0;

    for (size_t i = 0; i < told(f); i++) {
        tlsrpt_str_t  mx = f->uncovered[i].mx;

        if (is_served(e, mx)) {
            say(w, "The policy served now covers %s: senders that still hold "
                "the earlier one fetch it when they see that the id in the "
                "_mta-sts record has changed, at the latest when max_age is "
                "over. ", mx.data);

        } else {
            say(w, "Add the line \"mx: %s\" to the policy, or take this server "
                "out of the MX records. ", mx.data);
            add = 1;
        }
    }

    if (add) {
        say(w, "After a change of the policy change the id in the _mta-sts "
            "record of %.*s, too. ", (int) e->range.domain.len,
            e->range.domain.data);
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

    for (size_t i = 0; i < g->ngroups && i < MAX_TOLD; i++) {
        reason = group_text(g, &g->groups[i], buf);
        meaning = tlsrpt_explain_reason(reason);

        if (meaning != NULL) {
            say(&w, "Senders gave the reason \"%.*s\": %s. ",
                (int) tlsrpt_utf8_cut(reason.data, reason.len, MAX_REASON),
                reason.data, meaning);
        }
    }

    if (!is_explained(f)) {
        say_for(&w, f->explanation->cause, e->range.domain);
    }

    say_no_more(&w);
    return words_json(&w);
}


static json_t *
fix_json(const tlsrpt_evidence_t *e, const tlsrpt_finding_t *f)
{
    words_t  w;

    w.len = 0;
    say_uncovered_fix(e, f, &w);

    if (!is_explained(f)) {
        say_for(&w, f->explanation->fix, e->range.domain);
    }

    say_no_more(&w);
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

    if (is_explained(f)) {
        say(&w, "%s is missing from the MTA-STS policy",
            f->uncovered[0].mx.data);

        if (f->nuncovered > 1) {
            say(&w, ", and %zu more", f->nuncovered - 1);
        }

        return words_json(&w);
    }

    say_for(&w, f->explanation->title, e->range.domain);

    if (*f->explanation->result_type == '\0') {
        say(&w, " (%.*s)", (int) tlsrpt_utf8_cut(f->result_type.data,
                                                 f->result_type.len,
                                                 MAX_REASON),
            f->result_type.len ? f->result_type.data : "no result type");
    }

    /* where the policy is at fault, no mail server is */

    if (is_of_policy(f)) {
        return words_json(&w);
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
name_json(const void *groups, const tlsrpt_group_t *group)
{
    char  buf[TLSRPT_VALUE_LEN];

    return tlsrpt_str_json(group_text(groups, group, buf));
}


static json_t *
list_json(const tlsrpt_groups_t *groups)
{
    return tlsrpt_groups_json(groups, TLSRPT_FINDING_LIST, name_json, groups);
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
                     "severity", tlsrpt_severity_name(f->severity),
                     "title", title_json(e, f),
                     "ongoing", f->last + ONGOING_DAYS >= e->nknown,
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
