/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_cover.h"
#include "tlsrpt_document.h"
#include "tlsrpt_escape.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_time.h"
#include "tlsrpt_words.h"


/* The text: who, when, how many; what failed, why, and what to do; the policy;
   how the report deviates.  Nothing a sender wrote can break the layout, or
   look like something else: see tlsrpt_escape.h. */

#define WIDTH         76
#define INDENT        6                     /* of a paragraph */
#define MAX_DETAILS   200                   /* told one by one */
#define LINE_SIZE     1024


static void line(tlsrpt_buf_t *buf, const char *format, ...)
    TLSRPT_PRINTF(2, 3);

static void
line(tlsrpt_buf_t *buf, const char *format, ...)
{
    int      n;
    char     text[LINE_SIZE];
    va_list  args;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    if (n > 0) {
        tlsrpt_buf_add(buf, text, (size_t) n < sizeof(text)
                                  ? (size_t) n : sizeof(text) - 1);
    }

    tlsrpt_buf_add(buf, "\n", 1);
}


static void
sent(tlsrpt_buf_t *buf, const char *label, tlsrpt_str_t s)
{
    int   n;
    char  head[32];

    if (s.data == NULL) {
        return;
    }

    n = snprintf(head, sizeof(head), "%-18s", label);
    tlsrpt_buf_add(buf, head, (size_t) n);
    tlsrpt_escape(buf, s);
    tlsrpt_buf_add(buf, "\n", 1);
}


/* A paragraph, broken at spaces, every line behind the indent. */

static void
paragraph(tlsrpt_buf_t *buf, const char *text)
{
    size_t  n, len = strlen(text);

    while (len) {
        n = len;

        if (n > WIDTH - INDENT) {
            for (n = WIDTH - INDENT; n && text[n] != ' '; n--) {
                /* void */
            }

            /* a word that is longer stays whole */
            n = n ? n : strcspn(text, " ");
        }

        tlsrpt_buf_add(buf, "      ", INDENT);
        tlsrpt_buf_add(buf, text, n);
        tlsrpt_buf_add(buf, "\n", 1);

        text += n;
        len -= n;

        while (len && *text == ' ') {
            text++;
            len--;
        }
    }
}


static void
heading(tlsrpt_buf_t *buf, const char *text)
{
    static const char  rule[] =
        "----------------------------------------"
        "------------------------------------";
    size_t             n = strlen(text);

    line(buf, "\n%s\n%.*s", text, (int) (n > WIDTH ? WIDTH : n), rule);
}


/*
 * Who and when
 */

static void
put_head(tlsrpt_buf_t *buf, const tlsrpt_document_t *document)
{
    char                     text[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_str_t             s = { text, TLSRPT_TIME_TEXT_LEN };
    const tlsrpt_report_t   *r = document->report;
    const tlsrpt_listing_t  *e = document->listing;

    line(buf, "TLS report (SMTP TLS Reporting, RFC 8460)\n");
    sent(buf, "From:", r->organization_name);
    sent(buf, "Contact:", r->contact_info);
    sent(buf, "Report-ID:", r->report_id);

    tlsrpt_time_text(r->start, text);
    sent(buf, "Covers from:", s);
    tlsrpt_time_text(r->end, text);
    sent(buf, "       to:", s);

    if (e != NULL) {
        tlsrpt_time_text(e->received, text);
        sent(buf, "Received:", s);
        line(buf, "%-18s%s", "Came by:", e->via == TLSRPT_VIA_MAIL ? "mail"
                                                                   : "HTTPS");
        sent(buf, "Signed by:", e->signer);
    }
}


/* Who else sent a report of that name, and what speaks for each. */

static void
put_conflicts(tlsrpt_buf_t *buf, const tlsrpt_document_t *document)
{
    tlsrpt_str_t             s;
    const tlsrpt_listing_t  *const *others;

    if (document->others == NULL) {
        return;
    }

    others = document->others->named;

    for (size_t i = 0; i < document->others->n; i++) {
        if (i == 0) {
            line(buf, "\nAnother report of the same sender and Report-ID says "
                 "something else:\nof two hosts of one company, or one of them "
                 "is forged.  Both count.");
        }

        s.data = others[i]->id;
        s.len = strlen(s.data);
        sent(buf, i ? "" : "Conflicts with:", s);
        line(buf, "%-18sby %s", "", others[i]->via == TLSRPT_VIA_MAIL
                                    ? "mail" : "HTTPS");
        sent(buf, "  signed by:", others[i]->signer.data != NULL
                                  ? others[i]->signer : TLSRPT_STR("nobody"));
    }
}


/*
 * Each policy
 */

static const char *
type_words(tlsrpt_str_t type)
{
    static const struct {
        const char  *type;
        const char  *words;
    } words[] = {
        { "sts", "under the domain's MTA-STS policy" },
        { "tlsa", "under the domain's DANE records (TLSA)" },
        { "no-policy-found", "without a policy: the sender found neither "
                             "MTA-STS nor DANE" }
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (tlsrpt_str_is(type, words[i].type)) {
            return words[i].words;
        }
    }

    return "under a policy of a kind that RFC 8460 does not know";
}


/* The mx line in the policy's string; data NULL: it is another. */

static tlsrpt_str_t
mx_line(tlsrpt_str_t line)
{
    tlsrpt_str_t  mx = { NULL, 0 };

    if (line.len > 3 && memcmp(line.data, "mx:", 3) == 0) {
        mx.data = line.data + 3;
        mx.len = line.len - 3;

        while (mx.len && *mx.data == ' ') {
            mx.data++;
            mx.len--;
        }
    }

    return mx;
}


/* Is the mail server in no line of the MTA-STS policy, as far as the report
   tells it? */

static int
is_uncovered(const tlsrpt_applied_policy_t *p, tlsrpt_str_t mx)
{
    size_t        n = p->nmx_host;
    tlsrpt_str_t  pattern;

    if (mx.data == NULL || !tlsrpt_str_is(p->policy_type, "sts")) {
        return 0;
    }

    for (size_t i = 0; i < p->nmx_host; i++) {
        if (tlsrpt_covers(p->mx_host[i], mx)) {
            return 0;
        }
    }

    for (size_t i = 0; i < p->npolicy_string; i++) {
        pattern = mx_line(p->policy_string[i]);
        n += pattern.data != NULL;

        if (pattern.data != NULL && tlsrpt_covers(pattern, mx)) {
            return 0;
        }
    }

    return n > 0;
}


static void
put_detail(tlsrpt_buf_t *buf, const tlsrpt_applied_policy_t *p,
    const tlsrpt_detail_t *d)
{
    const tlsrpt_reason_t  *reason;

    line(buf, "\n  * %llu %s",
         (unsigned long long) d->failed_session_count,
         d->failed_session_count == 1 ? "session failed" : "sessions failed");
    sent(buf, "    What:", d->result_type);
    sent(buf, "    Mail server:", d->receiving_mx_hostname);

    if (is_uncovered(p, d->receiving_mx_hostname)) {
        line(buf, "%-18sThe policy seen has no mx line that covers this name.",
             "");
    }

    sent(buf, "      address:", d->receiving_ip);
    sent(buf, "      says:", d->receiving_mx_helo);
    sent(buf, "    Sent from:", d->sending_mta_ip);
    sent(buf, "    Reason code:", d->failure_reason_code);

    if (d->failure_reason_code.data != NULL) {
        reason = tlsrpt_explain_reason(d->failure_reason_code);

        if (reason != NULL) {
            line(buf, "%-18s%s", "      that is:",
                 tlsrpt_text(reason->section, "says"));
        }
    }

    sent(buf, "    More at:", d->additional_information);
}


/* Each result type of the policy is explained once. */

static int
is_first_of_type(const tlsrpt_applied_policy_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tlsrpt_str_equal(p->details[i].result_type,
                             p->details[n].result_type))
        {
            return 0;
        }
    }

    return 1;
}


/* Of the details of one result type: what they have in common. */

typedef struct {
    size_t                  n;
    size_t                  uncovered;
    tlsrpt_str_t            mx;             /* the first uncovered one, else the
                                               one of all; data NULL: several */
    const tlsrpt_reason_t  *reason;         /* of all; NULL: there is none */
} common_t;

static common_t
common_of(const tlsrpt_applied_policy_t *p, tlsrpt_str_t type)
{
    common_t  c = { 0, 0, { NULL, 0 }, NULL };

    for (size_t i = 0; i < p->ndetails; i++) {
        const tlsrpt_detail_t  *d = &p->details[i];
        const tlsrpt_reason_t  *reason = NULL;
        const int               out = is_uncovered(p, d->receiving_mx_hostname);

        if (!tlsrpt_str_equal(d->result_type, type)) {
            continue;
        }

        if (d->failure_reason_code.data != NULL) {
            reason = tlsrpt_explain_reason(d->failure_reason_code);
        }

        if (c.n == 0 || (out && c.uncovered == 0)) {
            c.mx = d->receiving_mx_hostname;

        } else if (c.uncovered == 0
                   && !tlsrpt_str_equal(c.mx, d->receiving_mx_hostname))
        {
            c.mx.data = NULL;
        }

        c.reason = c.n == 0 || (reason != NULL && c.reason != NULL
                                && strcmp(reason->section,
                                          c.reason->section) == 0)
                   ? reason : NULL;
        c.uncovered += (size_t) out;
        c.n++;
    }

    return c;
}


static void
put_all(tlsrpt_buf_t *buf, const tlsrpt_names_t *names, const char *section,
    const char *name)
{
    tlsrpt_words_t  w = { "", 0 };

    tlsrpt_say_all(&w, names, section, name);
    tlsrpt_say_no_more(&w);
    paragraph(buf, w.data);
}


/* A command, broken as a shell takes it. */

static void
put_command(tlsrpt_buf_t *buf, const char *text)
{
    size_t  n, len = strlen(text);

    for ( ; len > WIDTH - INDENT - 4; text += n + 1, len -= n + 1) {
        for (n = WIDTH - INDENT - 4; n && text[n] != ' '; n--) {
            /* void */
        }

        if (n == 0) {
            break;
        }

        line(buf, "        %.*s \\", (int) n, text);
    }

    line(buf, "        %s", text);
}


static int
put_step(void *ctx, const tlsrpt_words_t *text, const tlsrpt_words_t *command)
{
    tlsrpt_buf_t  *buf = ctx;

    paragraph(buf, text->data);

    if (command != NULL) {
        put_command(buf, command->data);
    }

    return 0;
}


static void
put_steps(tlsrpt_buf_t *buf, const tlsrpt_names_t *names, const char *section,
    const char *name)
{
    if (tlsrpt_steps(names, section, name, put_step, buf) != 0) {
        buf->failed = 1;
    }
}


/* What a mail server in no policy means comes first: it may be nobody's. */

static void
put_explanation(tlsrpt_buf_t *buf, const tlsrpt_applied_policy_t *p,
    tlsrpt_str_t type)
{
    common_t                     c = common_of(p, type);
    tlsrpt_buf_t                 mx = { NULL, 0, 0, 0 };
    tlsrpt_names_t               names;
    const tlsrpt_explanation_t  *e = tlsrpt_explain(type);
    const char  *title = tlsrpt_text(tlsrpt_explain_section(e, c.reason,
                                                            "title"), "title");
    const int    no_more = c.uncovered == c.n && e->by_reason;

    names.n = 0;
    names.len = 0;
    tlsrpt_name(&names, "domain", p->policy_domain);

    if (c.mx.data != NULL) {
        tlsrpt_escape(&mx, c.mx);
        tlsrpt_name_mx(&names, (tlsrpt_str_t) { mx.data, mx.len });
    }

    line(buf, "\n  %s%s", title, type.len ? "" : " (no result type)");
    sent(buf, "    Reported as:", type);
    line(buf, "    What it means:");
    put_all(buf, &names, e->section, "meaning");

    if (!no_more) {
        line(buf, "    Likely cause:");
        put_all(buf, &names, tlsrpt_explain_section(e, c.reason, "cause"),
                "cause");
    }

    line(buf, "    What to do:");

    if (c.uncovered) {
        put_all(buf, &names, "document", "not-in-policy");
    }

    if (!no_more) {
        put_steps(buf, &names, tlsrpt_explain_section(e, c.reason, "test"),
                  "test");
        put_steps(buf, &names, tlsrpt_explain_section(e, c.reason, "step"),
                  "step");
    }

    buf->failed |= mx.failed;
    tlsrpt_buf_free(&mx);
}


static void
put_details(tlsrpt_buf_t *buf, const tlsrpt_applied_policy_t *p)
{
    uint64_t      sum = p->overflow;
    tlsrpt_str_t  word = { "unspecified", 11 };

    for (size_t i = 0; i < p->ndetails; i++) {
        sum = tlsrpt_count_add(sum, p->details[i].failed_session_count);

        if (i < MAX_DETAILS) {
            put_detail(buf, p, &p->details[i]);
        }
    }

    if (p->ndetails > MAX_DETAILS || p->overflow) {
        line(buf, "\n  * and more failures than this text lists");
    }

    if (p->failed > sum) {
        line(buf, "\n  * %llu failed without details",
             (unsigned long long) (p->failed - sum));
    }

    for (size_t i = 0; i < p->ndetails && i < MAX_DETAILS; i++) {
        if (is_first_of_type(p, i)) {
            put_explanation(buf, p, p->details[i].result_type);
        }
    }

    if (p->failed > sum) {
        put_explanation(buf, p, word);
    }
}


/*
 * Sessions that are told twice, under MTA-STS and under DANE
 */

static int
is_of_type(const tlsrpt_applied_policy_t *p, const char *type)
{
    return p->policy_type.data != NULL && tlsrpt_str_is(p->policy_type, type);
}


/* Has the document shown the same sessions before, under the other of the two
   types? */

static int
is_told(const tlsrpt_document_t *document, const tlsrpt_applied_policy_t *p)
{
    const tlsrpt_report_t  *r = document->report;
    const char             *other = is_of_type(p, "sts") ? "tlsa"
                                    : is_of_type(p, "tlsa") ? "sts" : NULL;

    for (const tlsrpt_applied_policy_t *q = r->policies; other && q < p; q++) {
        if (q->domain == p->domain && is_of_type(q, other)) {
            return 1;
        }
    }

    return 0;
}


static void
put_total(tlsrpt_buf_t *buf, const tlsrpt_document_t *document,
    unsigned domain)
{
    size_t                  shown = 0, told = 0;
    tlsrpt_tally_t          tally;
    const tlsrpt_report_t  *r = document->report;

    for (size_t i = 0; i < r->npolicies; i++) {
        if (r->policies[i].domain == domain) {
            shown++;
            told += (size_t) is_told(document, &r->policies[i]);
        }
    }

    if (shown < 2) {
        return;
    }

    if (tlsrpt_tally_report(&tally, r, domain) != 0) {
        buf->failed = 1;
        return;
    }

    line(buf, "\nMail to %.*s in all: %llu %s succeeded and %llu failed.",
         (int) r->domains[domain].len, r->domains[domain].data,
         (unsigned long long) tally.successful,
         tally.successful == 1 ? "session" : "sessions",
         (unsigned long long) tally.failed);

    if (told) {
        line(buf, "Under the MTA-STS policy and under the DANE records they "
             "are the same sessions,\ntold twice: they count once.");
    }

    tlsrpt_tally_free(&tally);
}


static void
put_totals(tlsrpt_buf_t *buf, const tlsrpt_document_t *document)
{
    const tlsrpt_report_t  *r = document->report;

    for (unsigned i = 0; i < r->ndomains; i++) {
        if (document->domain.data == NULL
            || tlsrpt_str_equal(r->domains[i], document->domain))
        {
            put_total(buf, document, i);
        }
    }
}


static void
put_policy(tlsrpt_buf_t *buf, const tlsrpt_document_t *document,
    const tlsrpt_applied_policy_t *p)
{
    char  title[TLSRPT_DOMAIN_LEN + 32];

    snprintf(title, sizeof(title), "Mail to %.*s", (int) p->policy_domain.len,
             p->policy_domain.data);
    heading(buf, title);
    line(buf, "%llu %s succeeded and %llu failed,\n%s%s.",
         (unsigned long long) p->successful,
         p->successful == 1 ? "session" : "sessions",
         (unsigned long long) p->failed, type_words(p->policy_type),
         is_told(document, p) ? ":\nthe same sessions as above, told a second "
                                "time" : "");

    for (size_t i = 0; i < p->npolicy_string; i++) {
        sent(buf, i ? "" : "Policy seen:", p->policy_string[i]);
    }

    for (size_t i = 0; i < p->nmx_host; i++) {
        sent(buf, i ? "" : "Allowed servers:", p->mx_host[i]);
    }

    put_details(buf, p);
}


static void
put_deviations(tlsrpt_buf_t *buf, const tlsrpt_document_t *document)
{
    size_t                  n = 0;
    tlsrpt_str_t            s;
    const tlsrpt_report_t  *r = document->report;
    char                    text[TLSRPT_PATH_LEN + TLSRPT_DETAIL_LEN + 64];

    for (size_t i = 0; i < r->nwarnings; i++) {
        const tlsrpt_warning_t  *w = &r->warnings[i];

        if (!tlsrpt_document_warns(document, w)) {
            continue;
        }

        if (n++ == 0) {
            heading(buf, "How this report deviates from the standard");
        }

        s.data = text;
        s.len = (size_t) snprintf(text, sizeof(text), "%s%s%s [%s]", w->path,
                                  *w->path ? ": " : "", w->message,
                                  w->section);
        s.len = s.len < sizeof(text) ? s.len : sizeof(text) - 1;
        sent(buf, n > 1 ? "" : "Warnings:", s);
    }

    if (r->nwarnings_overflow) {
        line(buf, "%-18sand %zu more", "", r->nwarnings_overflow);
    }
}


char *
tlsrpt_document_text(const tlsrpt_document_t *document, size_t *len)
{
    size_t                  shown = 0;
    tlsrpt_buf_t            buf = { NULL, 0, 0, 0 };
    const tlsrpt_report_t  *r = document->report;

    put_head(&buf, document);
    put_conflicts(&buf, document);
    put_totals(&buf, document);

    for (size_t i = 0; i < r->npolicies; i++) {
        if (tlsrpt_document_shows(document, &r->policies[i])) {
            put_policy(&buf, document, &r->policies[i]);
            shown++;
        }
    }

    if (shown == 0) {
        line(&buf, "\nNo sessions: the report says only that the sender is "
             "there.");
    }

    put_deviations(&buf, document);

    if (buf.failed) {
        free(buf.data);
        return NULL;
    }

    *len = buf.len;
    return buf.data;
}
