/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>

#include "tlsrpt_finding.h"
#include "tlsrpt_time.h"
#include "tlsrpt_utf8.h"


/* Of what strangers wrote, at most so many bytes are told. */
#define MAX_TOLD   120
#define MAX_NAMES  3


/*
 * Names
 */

/* What strangers wrote, cut and without what could not be printed. */

static void
name_told(tlsrpt_names_t *names, const char *name, tlsrpt_str_t value)
{
    char    buf[MAX_TOLD + 1];
    size_t  len = tlsrpt_utf8_cut(value.data, value.len, MAX_TOLD);

    for (size_t i = 0; i < len; i++) {
        const unsigned char  c = (unsigned char) value.data[i];

        buf[i] = c < 0x20 || c == 0x7f || c == '{' || c == '}' ? ' '
                 : value.data[i];
    }

    if (len) {
        tlsrpt_name_made(names, name, "%.*s", (int) len, buf);
    }
}


static void
name_time(tlsrpt_names_t *names, const char *name, int64_t seconds)
{
    char  text[TLSRPT_TIME_TEXT_LEN + 1];

    if (seconds > 0) {
        tlsrpt_time_text(seconds, text);
        tlsrpt_name_made(names, name, "%.10s at %.5s UTC", text, text + 11);
    }
}


static void
name_names(tlsrpt_names_t *names, const tlsrpt_seen_chain_t *tls)
{
    char    text[512];
    size_t  len = 0;

    for (size_t i = 0; tls != NULL && i < tls->nnames && i < MAX_NAMES; i++) {
        const size_t  n = tls->names[i].len;

        if (n == 0 || n > TLSRPT_DOMAIN_LEN || len + n + 8 > sizeof(text)) {
            continue;
        }

        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%.*s",
                                 len ? ", " : "", (int) n, tls->names[i].data);
    }

    if (len) {
        name_told(names, "names", (tlsrpt_str_t) { text, len });
    }
}


static void
name_patterns(tlsrpt_names_t *names, const tlsrpt_findings_ask_t *ask)
{
    char               text[512] = "";
    size_t             len = 0;
    tlsrpt_findings_t  f;

    tlsrpt_findings(ask, &f);

    for (size_t i = 0; f.has_policy && i < f.policy.nmx; i++) {
        const size_t  n = strlen(f.policy.mx[i]);

        if (len + n + 8 > sizeof(text)) {
            len += (size_t) snprintf(text + len, sizeof(text) - len, ", ...");
            break;
        }

        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s",
                                 len ? ", " : "", f.policy.mx[i]);
    }

    if (len) {
        tlsrpt_name_made(names, "patterns", "%s", text);
    }
}


/* The record that asks for reports, as it shall be (RFC 8460 3). */

static void
name_publish(tlsrpt_names_t *names, const tlsrpt_versions_t *served)
{
    char    text[512];
    size_t  len = 0;

    for (size_t i = 0; served != NULL && i < served->nrua; i++) {
        const size_t  n = served->rua[i].len;

        if (n == 0 || len + n + 32 > sizeof(text)) {
            return;                         /* half of it would be wrong */
        }

        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%.*s",
                                 len ? "," : "v=TLSRPTv1; rua=", (int) n,
                                 served->rua[i].data);
    }

    if (len) {
        tlsrpt_name_made(names, "publish", "%s", text);
    }
}


void
tlsrpt_finding_names(const tlsrpt_findings_ask_t *ask,
    const tlsrpt_finding_t *f, tlsrpt_names_t *names)
{
    names->n = 0;
    names->len = 0;
    tlsrpt_name(names, "domain", ask->domain);

    if (f->about == TLSRPT_ABOUT_MX) {
        tlsrpt_name_mx(names, f->mx);
    }

    if (strcmp(f->section, "check-not-covered") == 0) {
        name_patterns(names, ask);
    }

    if (f->about == TLSRPT_ABOUT_REPORTING) {
        name_publish(names, ask->served);
    }

    name_time(names, "when", f->at);
    name_time(names, "not-after", f->not_after);
    name_names(names, f->tls);
    name_told(names, "record", f->record);
    name_told(names, "found", f->found);
    name_told(names, "expected", f->expected);
    name_told(names, "detail", f->detail);
    name_told(names, "address", f->address);
    name_told(names, "subject", f->subject);

    if (f->status) {
        tlsrpt_name_made(names, "status", "%d", f->status);
    }
}


/*
 * Words
 */

/* The section that has texts of the name: the finding's, else the type's. */

static const char *
section_of(const tlsrpt_finding_t *f, const char *name)
{
    return tlsrpt_text(f->section, name) != NULL
           ? f->section
           : tlsrpt_explain((tlsrpt_str_t) { f->type, strlen(f->type) })
             ->section;
}


void
tlsrpt_finding_title(const tlsrpt_finding_t *f, const tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    w->len = 0;
    tlsrpt_say(w, names, tlsrpt_text(section_of(f, "title"), "title"));
    tlsrpt_say_no_more(w);

    if (f->about == TLSRPT_ABOUT_MX) {
        tlsrpt_say(w, names, ": {mx}");
        tlsrpt_say_no_more(w);
    }
}


/* "else" is the sentence where what the first one names is not known. */

void
tlsrpt_finding_evidence(const tlsrpt_finding_t *f, const tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    const char  *section = section_of(f, "seen");

    if (!tlsrpt_say(w, names, tlsrpt_text(section, "seen"))) {
        tlsrpt_say(w, names, tlsrpt_text(section, "else"));
    }
}


void
tlsrpt_finding_meaning(const tlsrpt_finding_t *f, const tlsrpt_names_t *names,
    tlsrpt_words_t *w)
{
    w->len = 0;
    tlsrpt_say(w, names, tlsrpt_text(section_of(f, "meaning"), "meaning"));
    tlsrpt_finding_evidence(f, names, w);
    tlsrpt_say_no_more(w);
}


void
tlsrpt_finding_likely_cause(const tlsrpt_finding_t *f,
    const tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    w->len = 0;
    tlsrpt_say_all(w, names, section_of(f, "cause"), "cause");
    tlsrpt_say_no_more(w);
}


static const char *
loses_as(const tlsrpt_finding_t *f)
{
    if (strcmp(f->type, TLSRPT_CERTIFICATE_EXPIRING) == 0) {
        return "expiring";
    }

    if (strcmp(f->type, "dnssec-invalid") == 0) {
        return f->lost == TLSRPT_FINDING_LOST_YES ? "dnssec-yes"
               : f->lost == TLSRPT_FINDING_LOST_PERHAPS ? "dnssec-perhaps"
               : "record";
    }

    switch (f->about) {

    case TLSRPT_ABOUT_REPORTING:
    case TLSRPT_ABOUT_STS:
        return "record";

    case TLSRPT_ABOUT_POLICY:
        return "policy";

    default:
        break;
    }

    if (f->lost == TLSRPT_FINDING_LOST_NO) {
        return f->mode == MTA_STS_TESTING ? "testing" : "none";
    }

    return f->mode == MTA_STS_ENFORCE
           ? f->lost == TLSRPT_FINDING_LOST_YES ? "enforce-yes"
                                                : "enforce-perhaps"
           : f->lost == TLSRPT_FINDING_LOST_YES ? "dane-yes" : "dane-perhaps";
}


void
tlsrpt_finding_lost_mail(const tlsrpt_finding_t *f,
    const tlsrpt_names_t *names, tlsrpt_words_t *w)
{
    w->len = 0;
    tlsrpt_say(w, names, tlsrpt_text("check-lost", loses_as(f)));
    tlsrpt_say_no_more(w);
}


/*
 * Steps
 */

json_t *
tlsrpt_finding_steps(const tlsrpt_finding_t *f, const tlsrpt_names_t *names)
{
    json_t  *steps = json_array();

    /* a section with steps of its own needs no other test */
    const char  *test = tlsrpt_text(f->section, "step") != NULL
                        ? f->section : section_of(f, "test");

    if (steps == NULL
        || tlsrpt_steps(names, test, "test", tlsrpt_step_json, steps) != 0
        || tlsrpt_steps(names, section_of(f, "step"), "step",
                        tlsrpt_step_json, steps)
           != 0)
    {
        json_decref(steps);
        return NULL;
    }

    return steps;
}


/*
 * All of it
 */

static json_t *
said(void (*say)(const tlsrpt_finding_t *, const tlsrpt_names_t *,
    tlsrpt_words_t *), const tlsrpt_finding_t *f, const tlsrpt_names_t *names)
{
    tlsrpt_words_t  w;

    say(f, names, &w);

    return tlsrpt_words_json(&w);
}


json_t *
tlsrpt_finding_json(const tlsrpt_findings_ask_t *ask, const tlsrpt_finding_t *f)
{
    char                      at[TLSRPT_TIME_TEXT_LEN + 1];
    char                      since[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_names_t            names;
    static const char *const  lost[] = { "no", "perhaps", "yes" };

    tlsrpt_finding_names(ask, f, &names);
    tlsrpt_time_text(f->at, at);
    tlsrpt_time_text(f->since ? f->since : f->at, since);

    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:s}",
                     "result-type", f->type,
                     "cause", tlsrpt_finding_cause(f),
                     "severity", tlsrpt_severity_name(f->severity),
                     "lost", lost[f->lost],
                     "title", said(tlsrpt_finding_title, f, &names),
                     "meaning", said(tlsrpt_finding_meaning, f, &names),
                     "likely-cause",
                     said(tlsrpt_finding_likely_cause, f, &names),
                     "steps", tlsrpt_finding_steps(f, &names),
                     "lost-mail", said(tlsrpt_finding_lost_mail, f, &names),
                     "checked", at, "since", since);
}
