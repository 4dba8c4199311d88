/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong, from made reports of the last 30 days: which problems there
 * are, in which order, and what is said of them.
 */

#include <stdlib.h>

#include "tap.h"
#include "overview.h"
#include "report.h"
#include "tlsrpt_explain.h"
#include "tlsrpt_packed.h"
#include "tlsrpt_problems.h"
#include "tlsrpt_result.h"
#include "tlsrpt_tally.h"
#include "tlsrpt_totals.h"

#define NDAYS  30                           /* the last one is today */
#define LAST   (NDAYS - 1)

#define MODE(mode)                                                            \
    "\"policy-type\":\"sts\",\"policy-string\":[\"version: STSv1\","          \
    "\"mode: " mode "\",\"mx: mx.example.com\",\"mx: *.backup.example.com\"," \
    "\"max_age: 86400\"],\"mx-host\":[\"mx.example.com\","                    \
    "\"*.backup.example.com\"]"
#define ENFORCE    MODE("enforce")
#define TESTING    MODE("testing")
#define STS        "\"policy-type\":\"sts\""
#define NO_POLICY  "\"policy-type\":\"no-policy-found\""
#define DANE       "\"policy-type\":\"tlsa\""

#define MX(name)  "\"receiving-mx-hostname\":\"" name "\""

typedef struct {
    char      *day_log;
    size_t     len;
    unsigned   reports;
    uint64_t   successful;
    uint64_t   failed;
    uint64_t   overflow;
} day_t;

static day_t             days[NDAYS];
static int64_t           before;            /* a report of before the range */
static int32_t           from;
static tlsrpt_reader_t  *reader;
static json_t           *answer_json;
static char              details[65536];


/*
 * Made reports
 */

static void
begin(void)
{
    for (size_t i = 0; i < NDAYS; i++) {
        free(days[i].day_log);
    }

    memset(days, 0, sizeof(days));
    before = 0;
    details[0] = '\0';
}


/* One more failure detail of the next report; more: members, or "". */

static void
detail(const char *type, unsigned failed, const char *more)
{
    size_t  n = strlen(details);

    snprintf(details + n, sizeof(details) - n,
             "%s{\"result-type\":\"%s\",\"failed-session-count\":%u%s%s}",
             n ? "," : "", type, failed, *more ? "," : "", more);
}


static void
add(size_t day, const char *org, const char *policy, unsigned successful,
    unsigned failed)
{
    int                     n;
    char                    date[TLSRPT_DAY_TEXT_LEN + 1];
    static char             text[80000];
    tlsrpt_command_t       *c;
    const tlsrpt_report_t  *r;

    tlsrpt_day_text(from + (int32_t) day, date);
    n = snprintf(text, sizeof(text),
                 "{\"organization-name\":\"%s\",\"report-id\":\"x\","
                 "\"contact-info\":\"x\",\"date-range\":{"
                 "\"start-datetime\":\"%sT00:00:00Z\","
                 "\"end-datetime\":\"%sT23:59:59Z\"},"
                 "\"policies\":[{\"policy\":{%s,"
                 "\"policy-domain\":\"example.com\"},\"summary\":{"
                 "\"total-successful-session-count\":%u,"
                 "\"total-failure-session-count\":%u},"
                 "\"failure-details\":[%s]}]}",
                 org, date, date, policy, successful, failed, details);
    details[0] = '\0';

    r = read_report(reader, text, (size_t) n, NULL);
    c = r ? ingest(r, 0) : NULL;

    if (c == NULL) {
        printf("Bail out! %s\n", text);
        exit(1);
    }

    days[day].day_log = realloc(days[day].day_log,
                                days[day].len + ARG_LEN(c, 1));
    memcpy(days[day].day_log + days[day].len, ARG(c, 1), ARG_LEN(c, 1));
    days[day].len += ARG_LEN(c, 1);
    days[day].reports++;
    days[day].successful += strtoull(ARG(c, 5), NULL, 10);
    days[day].failed += strtoull(ARG(c, 6), NULL, 10);
    tlsrpt_command_destroy(c);
}


static void
add_details(size_t day, const char *org, const char *policy, const char *type,
    unsigned failed, const char *more)
{
    detail(type, failed, more);
    add(day, org, policy, 10, failed);
}


/*
 * What Redis would answer
 */

static char            texts[64][TOTALS_SIZE];
static tlsrpt_reply_t  replies[64], *elements[64];

static void
set_string(tlsrpt_reply_t *reply, const char *s, size_t len)
{
    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_STRING;
    reply->str = s;
    reply->len = len;
}


static void
answer_month(const char *key, tlsrpt_reply_t *reply)
{
    char    date[TLSRPT_DAY_TEXT_LEN + 1], words[96];
    size_t  n = 0;

    for (size_t i = 0; i < NDAYS; i++) {
        tlsrpt_day_text(from + (int32_t) i, date);

        if (days[i].reports == 0
            || strncmp(key + strlen("t:{example.com}:"), date, 7) != 0)
        {
            continue;
        }

        snprintf(texts[n], sizeof(texts[n]), "%s", date + 8);
        snprintf(words, sizeof(words), "%u %llu %llu 0 %llu",
                 days[i].reports, (unsigned long long) days[i].successful,
                 (unsigned long long) days[i].failed,
                 (unsigned long long) days[i].overflow);
        set_string(&replies[n], texts[n], strlen(texts[n]));
        set_string(&replies[n + 1], texts[n + 1],
                   put_totals(texts[n + 1], words));

        for (size_t last = n + 2; n < last; n++) {
            elements[n] = &replies[n];
        }
    }

    memset(reply, 0, sizeof(*reply));
    reply->type = TLSRPT_REPLY_ARRAY;
    reply->elements = elements;
    reply->nelements = n;
}


static void
answer_day(const char *key, tlsrpt_reply_t *reply)
{
    int32_t  day;

    memset(reply, 0, sizeof(*reply));

    if (tlsrpt_day_parse(key + strlen("t:{example.com}:"), 10, &day) != 0) {
        abort();
    }

    if (day >= from && days[day - from].day_log != NULL) {
        set_string(reply, days[day - from].day_log, days[day - from].len);
    }
}


static void
answer_all(tlsrpt_reply_t *reply)
{
    unsigned     n = before ? 1 : 0;
    int64_t      came = before;
    char         words[96];
    static char  text[TOTALS_SIZE];

    for (size_t i = 0; i < NDAYS; i++) {
        n += days[i].reports;

        if (days[i].reports) {
            came = ((int64_t) from + (int64_t) i + 1) * TLSRPT_DAY;
        }
    }

    snprintf(words, sizeof(words), "%u 0 0 %lld", n, (long long) came);
    memset(reply, 0, sizeof(*reply));

    if (n) {
        set_string(reply, text, put_totals(text, words));
    }
}


static unsigned  asked;

static void
answer_all_of(tlsrpt_lookup_t *lookup)
{
    size_t                   n;
    tlsrpt_reply_t           reply;
    const tlsrpt_command_t  *c;

    for (asked = 0; (c = lookup->type->next(lookup, &n)) != NULL; asked++) {
        if (strcmp(verb_of(c), "HGET") == 0) {
            answer_all(&reply);

        } else if (strcmp(verb_of(c), "HGETALL") == 0) {
            answer_month(key_of(c), &reply);

        } else if (strstr(key_of(c), ":problems") != NULL
                   || strstr(key_of(c), ":served") != NULL)
        {
            memset(&reply, 0, sizeof(reply));   /* nothing is kept */

        } else {
            answer_day(key_of(c), &reply);
        }

        if (lookup->type->add(lookup, n, beside(c, &reply)) != TLSRPT_OK) {
            abort();
        }
    }
}


/* The problems of the days; valid until asked again. */

static json_t *
ask_range(const char *policy, int32_t first, int32_t last)
{
    tlsrpt_query_t    query;
    mta_sts_policy_t  served;
    tlsrpt_lookup_t  *lookup;
    const char       *reason;

    tlsrpt_query_init(&query, NOW);
    query.from = first;
    query.to = last;

    if (policy != NULL) {
        memset(&served, 0, sizeof(served));
        served.mode = MTA_STS_ENFORCE;

        if (mta_sts_policy_add_mx(&served, policy, strlen(policy), &reason)
            != 0)
        {
            abort();
        }
    }

    lookup = tlsrpt_problems_create(&query, str("example.com"), str("t"),
                                    policy != NULL ? &served : NULL,
                                    tlsrpt_day_of(NOW));
    answer_all_of(lookup);
    json_decref(answer_json);
    answer_json = lookup->type->json(lookup);
    lookup->type->destroy(lookup);

    if (answer_json == NULL) {
        abort();
    }

    return json_object_get(answer_json, "problems");
}


static json_t *
ask_problems(const char *policy, int32_t to)
{
    return ask_range(policy, from, to);
}


static json_t *
problems(void)
{
    return ask_problems(NULL, from + LAST);
}


static json_t *
problem(const char *type)
{
    size_t   i;
    json_t  *p, *array = problems();

    json_array_foreach(array, i, p) {
        if (strcmp(json_string_value(json_object_get(p, "result-type")), type)
            == 0)
        {
            return p;
        }
    }

    return NULL;
}


static const char *
text_of(const json_t *p, const char *member)
{
    const char  *s = json_string_value(json_object_get(p, member));

    return s ? s : "(null)";
}


static void
says(const json_t *p, const char *member, const char *piece)
{
    if (!ok(strstr(text_of(p, member), piece) != NULL, "%s: %s", member,
            piece))
    {
        tap_show(" got", text_of(p, member));
    }
}


static void
says_not(const json_t *p, const char *member, const char *piece)
{
    if (!ok(strstr(text_of(p, member), piece) == NULL, "%s: not %s", member,
            piece))
    {
        tap_show(" got", text_of(p, member));
    }
}


static long long
number_of(const json_t *p, const char *member)
{
    return json_integer_value(json_object_get(p, member));
}


static const char *
nth(const json_t *p, const char *member, size_t n)
{
    return json_string_value(json_array_get(json_object_get(p, member), n));
}


static size_t
size_of(const json_t *p, const char *member)
{
    return json_array_size(json_object_get(p, member));
}


/*
 * Every result type
 */

static void
test_type(const char *type, const char *severity)
{
    json_t      *p;
    const char  *members[] = { "title", "meaning", "likely-cause", "fix",
                               "lost-mail" };

    begin();
    add_details(LAST - 1, "One", ENFORCE, type, 30,
                "\"receiving-mx-hostname\":\"mx.example.com\"");
    p = problem(type);

    ok(p != NULL, "%s is a problem", type);
    is_str(text_of(p, "severity"), severity, "its severity");
    is_int(number_of(p, "failed-session-count"), 30, "its count");

    for (size_t i = 0; i < 5; i++) {
        const char  *text = text_of(p, members[i]);
        size_t       len = strlen(text);

        ok(len > 5 && strpbrk(text, "{}") == NULL
           && strchr(" ", text[len - 1]) == NULL, "%s is told", members[i]);
    }
}


static void
test_types(void)
{
    tlsrpt_str_t  type;

    for (unsigned i = 1; i <= tlsrpt_result_ncodes(); i++) {
        type = tlsrpt_result_type(i);

        if (strcmp(type.data, "unspecified") != 0) {
            test_type(type.data, strcmp(type.data, "dane-required") == 0
                                 ? "low"
                                 : strncmp(type.data, "sts-", 4) == 0
                                 ? "medium" : "high");
        }

        is_str(tlsrpt_explain(type)->result_type, type.data, "%s is explained",
               type.data);
    }

    test_type("brand-new-failure", "medium");
    says(problem("brand-new-failure"), "title", "(brand-new-failure)");

    begin();
    add(LAST, "One", TESTING, 10, 3);
    ok(problem("unspecified") != NULL, "failures without details");
    is_str(text_of(problem("unspecified"), "severity"), "medium",
           "of which we know little");
}


/* What explain.txt must have of each section. */

static void
test_words(void)
{
    const char  *last = "";

    for (const tlsrpt_wording_t *t = tlsrpt_texts; t->section != NULL; t++) {
        const int  is_reason = strncmp(t->section, "reason-", 7) == 0;

        ok(strlen(t->text) > 1 && strchr(t->text, '\t') == NULL
           && strstr(t->text, "  ") == NULL, "%s: %s", t->section, t->name);

        if (strcmp(t->section, last) != 0) {
            last = t->section;

            if (is_reason) {
                ok(tlsrpt_text(last, "says") != NULL, "%s says", last);

            } else if (tlsrpt_text(last, "meaning") != NULL) {
                ok(tlsrpt_text(last, "title") != NULL
                   && tlsrpt_text(last, "cause") != NULL
                   && tlsrpt_text(last, "step") != NULL, "%s is whole", last);
            }
        }
    }
}


/* Whole codes, in the words of whoever writes them. */

static void
is_reason(const char *code, const char *section)
{
    const tlsrpt_reason_t  *reason = tlsrpt_explain_reason(str(code));

    is_str(reason ? reason->section : NULL, section, "%s", code);

    if (reason != NULL) {
        ok(reason->as == NULL || tlsrpt_texts_of(reason->as) != NULL,
           "which leads somewhere");
    }
}


static void
test_reasons(void)
{
    is_reason("5.4.8", "reason-not-in-policy");
    is_reason("550 5.4.8. Policy", "reason-not-in-policy");
    is_reason("15.4.8", NULL);
    is_reason("5.4.83", NULL);
    is_reason("1.5.4.8", NULL);
    is_reason("5.4.8.2", NULL);
    is_reason("4.7.500 Server busy", NULL);
    is_reason("450 4.7.322", "reason-expired");
    is_reason("550 5.7.324", "reason-dnssec");
    is_reason("4.7.325", "reason-host-mismatch");
    is_reason("5.4.312 query failed", "reason-dns");
    is_reason("certificate_has_expired", "reason-expired");
    is_reason("x509: certificate has expired or is not yet valid",
              "reason-expired");
    is_reason("self signed certificate", "reason-self-signed");
    is_reason("self-signed_certificate_in_certificate_chain",
              "reason-self-signed-in-chain");
    is_reason("X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
              "reason-missing-issuer");
    is_reason("X509_V_ERR_CERT_REVOKED", "reason-revoked");
    is_reason("X509_V_ERR_EE_KEY_TOO_SMALL", "reason-weak-key");
    is_reason("X509_V_ERR_DANE_NO_MATCH", "reason-dane-no-match");
    is_reason("X509_V_ERR_PATH_LENGTH_EXCEEDED", "reason-openssl");
    is_reason("remote error: tls: handshake failure", "reason-handshake");
    is_reason("no-mta-sts-dns-txt-record", "reason-no-sts-record");
    is_reason("fetch-error+fallback-to-cached-policy", "reason-fallback");
    is_reason("back-off-after-recent-fetch-error", "reason-back-off");
    is_reason("all-unusable-records+ignored", "reason-unusable");
    is_reason("connection-closed-during-handshake", "reason-closed");
    is_reason("extended-dns-error-6-dnssec-bogus", "reason-extended-dns");
    is_reason("bad https response code: 404", "reason-http");
    is_reason("", NULL);
    is_reason("nothing of the kind", NULL);
}


static void
test_members(void)
{
    json_t      *p, *day;
    char         date[TLSRPT_DAY_TEXT_LEN + 1];
    static const char *const  members[] = {
        "result-type", "severity", "title", "ongoing", "first-day", "last-day",
        "failed-session-count", "share", "organization-names",
        "receiving-mx-hostnames", "sending-mta-ips", "receiving-ips",
        "failure-reason-codes", "policy-types", "meaning", "likely-cause",
        "fix", "lost-mail", "possible-attack", "by-day", "id", "steps",
        "share-of-senders", "contacts", "via", "signed-by"
    };

    begin();
    add(3, "One", TESTING, 1000, 0);
    add(5, "One", TESTING, 95, 0);
    add_details(5, "One", TESTING, "certificate-expired", 3,
                "\"receiving-mx-hostname\":\"mx.example.com\","
                "\"sending-mta-ip\":\"192.0.2.1\","
                "\"receiving-ip\":\"2001:db8::1\","
                "\"failure-reason-code\":\"X509_V_ERR_CERT_HAS_EXPIRED\"");
    add_details(7, "Two", TESTING, "certificate-expired", 5,
                MX("mx.example.com"));
    p = problem("certificate-expired");

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        ok(json_object_get(p, members[i]) != NULL, "member %s", members[i]);
    }

    is_int((long long) json_object_size(p),
           sizeof(members) / sizeof(members[0]), "and no others");

    tlsrpt_day_text(from + 5, date);
    is_str(text_of(p, "first-day"), date, "first day");
    tlsrpt_day_text(from + 7, date);
    is_str(text_of(p, "last-day"), date, "last day");
    is_int(number_of(p, "failed-session-count"), 8, "failed");
    is_str(nth(p, "organization-names", 0), "Two", "most failures first");
    is_str(nth(p, "organization-names", 1), "One", "then the others");
    is_str(nth(p, "receiving-mx-hostnames", 0), "mx.example.com", "mx");
    is_str(nth(p, "sending-mta-ips", 0), "192.0.2.1", "sending ip");
    is_str(nth(p, "receiving-ips", 0), "2001:db8::1", "receiving ip");
    is_str(nth(p, "policy-types", 0), "sts", "policy type");
    is_str(nth(p, "failure-reason-codes", 0), "X509_V_ERR_CERT_HAS_EXPIRED",
           "reason code");
    says(p, "likely-cause", "a certificate has expired");
    is_int((long long) size_of(p, "by-day"), 2, "two days");
    day = json_array_get(json_object_get(p, "by-day"), 1);
    is_str(text_of(day, "day"), date, "the second");
    is_int(number_of(day, "failed-session-count"), 5, "its failures");

    /* 3 + 5 of the 95 + 13 + 15 sessions since the first of them */
    is_int((long long) (json_real_value(json_object_get(p, "share")) * 1e6),
           8 * 1000000 / 123, "share");
    ok(json_is_false(json_object_get(p, "ongoing")), "over");
}


static void
test_order(void)
{
    size_t       i;
    json_t      *p, *array;
    const char  *order[] = {
        "tlsa-invalid", "certificate-expired", "zzz", "unspecified",
        "sts-policy-invalid", "dane-required"
    };

    begin();
    add_details(LAST, "One", TESTING, "dane-required", 99, "");
    add_details(LAST, "One", TESTING, "zzz", 40, "");
    add_details(LAST, "One", DANE, "tlsa-invalid", 30, "");
    add_details(LAST, "One", ENFORCE, "certificate-expired", 25, "");
    add_details(LAST, "One", TESTING, "sts-policy-invalid", 3, "");
    add(LAST, "One", TESTING, 1, 30);
    array = problems();
    is_int((long long) json_array_size(array), 6, "six problems");

    json_array_foreach(array, i, p) {
        is_str(text_of(p, "result-type"), order[i], "number %zu", i);
    }

    is_str(text_of(answer_json, "domain"), "example.com", "domain");
    is_str(text_of(answer_json, "to"), "2026-01-20", "to");
    is_str(text_of(answer_json, "from"), "2025-12-22", "from");
    is_int(asked, 2 + 2 + 1 + 1 + 1 + 3, "only the day that has reports is "
           "read, and its list, as one sender reported more than once; and how "
           "the policy was answered");

    begin();
    is_int((long long) json_array_size(problems()), 0, "nothing, no problem");
}


/*
 * The mismatch
 */

static void
test_mismatch(void)
{
    json_t  *p;

    begin();
    add_details(LAST, "One", TESTING, "validation-failure", 1,
                MX("new.example.com"));
    p = problem("validation-failure");
    is_str(text_of(p, "title"),
           "new.example.com is not in the policy", "title");
    says(p, "likely-cause", "(mx.example.com, *.backup.example.com)");
    says(p, "likely-cause", "covers new.example.com,");
    says_not(p, "likely-cause", "one label");
    says(p, "fix", "Is new.example.com one of your mail servers?");
    says(p, "fix", "add \"mx: new.example.com\" to the policy");
    says(p, "fix", "change the id in the _mta-sts record of example.com");

    begin();
    add_details(LAST, "One", TESTING, "validation-failure", 1,
                MX("a.b.backup.example.com"));
    p = problem("validation-failure");
    says(p, "likely-cause", "exactly one label");

    begin();
    add_details(LAST, "One", TESTING, "validation-failure", 1,
                MX("a.backup.example.com"));
    p = problem("validation-failure");
    says(p, "title", "Connection failed the sender's checks: a.backup");
    says_not(p, "likely-cause", "No mx line");

    begin();
    add_details(LAST, "One", TESTING, "validation-failure", 1,
                MX("new.example.com"));
    p = json_array_get(ask_problems("*.example.com", from + LAST), 0);
    says(p, "likely-cause", "The policy served now covers new.example.com");
    says_not(p, "fix", "add \"mx");
    p = json_array_get(ask_problems("other.example.com", from + LAST), 0);
    says(p, "fix", "add \"mx: new.example.com\"");

    /* other servers are other problems */
    begin();
    detail("validation-failure", 1, MX("new.example.com"));
    detail("validation-failure", 2, MX("mx.example.com"));
    add(LAST, "One", TESTING, 10, 3);
    is_int((long long) json_array_size(problems()), 2, "two servers");
    p = json_array_get(problems(), 0);
    is_str(text_of(p, "title"),
           "Connection failed the sender's checks: mx.example.com", "one");
    p = json_array_get(problems(), 1);
    is_str(text_of(p, "title"), "new.example.com is not in the policy",
           "and the other");

    /* of one server, under two policies */
    begin();
    add_details(LAST, "One", STS ",\"mx-host\":[\"a.example.com\"]",
                "validation-failure", 1, MX("mx.example.com"));
    add_details(LAST, "Two", ENFORCE, "validation-failure", 2,
                MX("mx.example.com"));
    p = problem("validation-failure");
    is_str(text_of(p, "title"),
           "Connection failed the sender's checks: mx.example.com",
           "not all of its sessions");
    says(p, "likely-cause", "This is so of 1 of 3 failed sessions.");
}


/* What is no mismatch. */

static void
test_no_mismatch(void)
{
    json_t  *p;

    begin();
    add_details(LAST, "One", STS ",\"mx-host\":[\"MX.Example.Com.\"]",
                "validation-failure", 1, MX("mx.example.com"));
    says_not(problem("validation-failure"), "likely-cause", "No mx line");

    begin();
    add_details(LAST, "One", STS ",\"mx-host\":[\".example.com\"]",
                "validation-failure", 1, MX("mx.example.com"));
    says_not(problem("validation-failure"), "likely-cause", "No mx line");

    begin();
    add_details(LAST, "One", STS, "validation-failure", 1,
                MX("mx.example.com"));
    says_not(problem("validation-failure"), "likely-cause", "No mx line");

    begin();
    add_details(LAST, "One", DANE ",\"mx-host\":[\"a.example\"]",
                "validation-failure", 1, MX("mx.example.com"));
    says_not(problem("validation-failure"), "likely-cause", "No mx line");

    begin();
    add_details(LAST, "One", ENFORCE, "certificate-expired", 1,
                MX("new.example.com"));
    p = problem("certificate-expired");
    is_str(text_of(p, "title"), "new.example.com is not in the policy",
           "whatever else is wrong with it");
    says(p, "fix", "NotAfter");

    begin();
    add_details(LAST, "One", ENFORCE, "certificate-host-mismatch", 1,
                MX("new.example.com"));
    p = problem("certificate-host-mismatch");
    says(p, "title", "new.example.com is not in the policy");
    says(p, "likely-cause", "No mx line");
    says(p, "likely-cause", "The certificate was made without");
    says(p, "fix", "get a certificate");

    begin();
    add_details(LAST, "One", TESTING, "sts-policy-fetch-error", 1,
                MX("mx.example.com"));
    p = problem("sts-policy-fetch-error");
    is_str(text_of(p, "title"), "MTA-STS policy cannot be fetched",
           "no mail server is to blame");
    says(p, "fix", "https://mta-sts.example.com/.well-known/mta-sts.txt");
}


/*
 * What it costs
 */

static void
costs(const char *policy, const char *type, const char *served,
    const char *piece, const char *severity)
{
    json_t  *p;

    begin();
    add_details(LAST, "One", policy, type, 30, "");
    p = json_array_get(ask_problems(served, from + LAST), 0);
    says(p, "lost-mail", piece);
    is_str(text_of(p, "severity"), severity, "severity");
}


static void
test_costs(void)
{
    const char  *fail = "validation-failure";

    costs(ENFORCE, fail, NULL, "Perhaps: under a policy in mode enforce",
          "high");
    costs(TESTING, fail, NULL, "No: the policy is in mode testing", "medium");
    costs(MODE("none"), fail, NULL, "No: no policy", "medium");
    costs(NO_POLICY, fail, NULL, "No: no policy", "medium");
    costs(DANE, fail, NULL, "Perhaps: with DANE", "high");
    costs(STS, fail, NULL, "Perhaps: the reports do not tell", "high");
    costs(STS, fail, "mx.example.com", "Perhaps: under a policy in mode",
          "high");
    costs(TESTING, fail, "mx.example.com", "No: the policy is in mode testing",
          "medium");
    costs(ENFORCE, "sts-policy-invalid", NULL, "No, not by this alone",
          "medium");
    costs(NO_POLICY, "dane-required", NULL, "Perhaps: this sender", "low");

    begin();
    add_details(LAST, "One", TESTING, fail, 1, "");
    add_details(LAST, "Two", ENFORCE, fail, 1, "");
    says(problem(fail), "lost-mail", "Perhaps: under a policy in mode enforce");
}


static void
others_succeed(size_t day)
{
    add(day, "Two", ENFORCE, 10, 0);
    add(day, "Three", ENFORCE, 10, 0);
}


/*
 * Silence
 */

static void
report_days(const char *org, size_t first, size_t last, unsigned sessions)
{
    for (size_t i = first; i <= last; i++) {
        add(i, org, ENFORCE, sessions, 0);
    }
}


static size_t
silent(void)
{
    return json_array_size(problems());
}


static void
test_silence_of_one(void)
{
    json_t  *p;

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("One", 10, 16, 10);
    p = problem("silence");
    is_str(text_of(p, "title"), "No more reports from One", "after 7 days");
    is_str(nth(p, "organization-names", 0), "One", "whose");
    is_str(text_of(p, "last-day"), "2026-01-07", "since when");
    is_str(text_of(p, "severity"), "medium", "severity");
    says(p, "likely-cause", "_smtp._tls.example.com");
    says(p, "lost-mail", "No mail is lost");
    is_int((long long) json_object_size(p), 26, "all members");

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("One", 10, 15, 10);
    is_int((long long) silent(), 0, "six days are not steady");

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("One", 0, LAST - 3, 10);
    is_int((long long) silent(), 0, "late by three days");

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("One", 0, LAST - 4, 10);
    is_int((long long) silent(), 1, "by four: silent");
    is_int((long long) json_array_size(ask_problems(NULL, from + LAST + 60)),
           1, "days to come are no silence of others");

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("Beat", 0, 20, 1);
    is_int((long long) silent(), 0, "a heartbeat raises nothing at its end");
    report_days("Beat", 21, LAST, 1);
    is_int((long long) silent(), 0, "nor while it beats");
}


/* Of a range, the days up to today are known, and those to come are not. */

static void
test_known_days(void)
{
    json_t  *p;

    begin();
    report_days("Two", 0, LAST, 10);
    report_days("One", 0, LAST - 3, 10);
    is_int((long long) json_array_size(ask_problems(NULL, from + LAST + 60)),
           0, "days to come are no silence of one");
    is_int((long long) json_array_size(ask_problems(NULL, from + LAST + 1)),
           0, "nor is tomorrow");

    begin();
    report_days("One", 0, LAST, 10);
    add_details(10, "One", ENFORCE, "tlsa-invalid", 1, "");
    p = ask_problems(NULL, from + 10);
    is_int((long long) json_array_size(p), 1,
           "after a range that is over, no silence of anybody");
    ok(json_is_true(json_object_get(json_array_get(p, 0), "ongoing")),
       "what failed at its end was going on");
    p = ask_problems(NULL, from + 13);
    ok(json_is_false(json_object_get(json_array_get(p, 0), "ongoing")),
       "what failed before was not");

    is_int((long long) json_array_size(ask_range(NULL, from + LAST + 5,
                                                 from + LAST + 9)),
           0, "of days to come alone nothing is known");
    is_int((long long) json_array_size(ask_range(NULL, from + LAST,
                                                 from + LAST + 9)),
           0, "of one day it is no silence");

    /* the last report before the range, whose first four days are known */
    begin();
    before = ((int64_t) from + LAST - 4) * TLSRPT_DAY;
    is_int((long long) json_array_size(ask_range(NULL, from + LAST - 3,
                                                 from + LAST + 9)),
           1, "four known days without a report");
    is_int((long long) json_array_size(ask_range(NULL, from + LAST - 2,
                                                 from + LAST + 9)),
           0, "three");
}


static void
test_silence_of_all(void)
{
    json_t  *p;

    begin();
    report_days("One", 0, 20, 10);
    report_days("Two", 0, 20, 10);
    p = problem("silence");
    is_str(text_of(p, "title"), "No more reports from anybody", "of all");
    is_int((long long) size_of(p, "organization-names"), 0, "of nobody");
    is_int((long long) silent(), 1, "is one problem, not one of each");

    begin();
    report_days("One", 0, LAST - 3, 10);
    is_int((long long) silent(), 0, "three days are none");

    begin();
    add(0, "One", ENFORCE, 10, 0);
    add(7, "One", ENFORCE, 10, 0);
    add(15, "One", ENFORCE, 10, 0);
    is_int((long long) silent(), 0, "a report a week, not yet missed twice");

    begin();
    add(0, "One", ENFORCE, 10, 0);
    add(6, "One", ENFORCE, 10, 0);
    add(12, "One", ENFORCE, 10, 0);
    is_int((long long) silent(), 1, "missed twice");

    begin();
    before = ((int64_t) from - 10) * TLSRPT_DAY + 5;
    p = problem("silence");
    is_str(text_of(p, "last-day"), "2025-12-12", "since before the range");

    begin();
    report_days("One", 0, 15, 10);
    add_details(15, "One", ENFORCE, "tlsa-invalid", 1, "");
    add_details(15, "One", TESTING, "dane-required", 1, "");
    problems();
    is_str(text_of(json_array_get(json_object_get(answer_json, "problems"), 1),
                   "result-type"), "silence", "behind high, before low");
}


/*
 * Bounds, and what is made to hurt
 */

static void
test_lists(void)
{
    char    more[120];
    json_t  *p;

    begin();

    for (unsigned i = 0; i < 120; i++) {
        snprintf(more, sizeof(more), MX("mx%u.example.com") ",\"sending-mta-ip"
                 "\":\"192.0.2.%u\",\"failure-reason-code\":\"%u\"", i, i, i);
        detail("tlsa-invalid", i + 1, more);
    }

    add(LAST, "One", ENFORCE, 10, 10000);

    for (unsigned i = 0; i < 120; i++) {
        char  org[20];

        snprintf(org, sizeof(org), "Org %u", i);
        add_details(LAST, org, ENFORCE, "tlsa-invalid", i + 1, "");
    }

    p = problem("tlsa-invalid");
    is_int((long long) size_of(p, "sending-mta-ips"), 50, "50 of 120");
    is_int((long long) size_of(p, "receiving-mx-hostnames"), 50, "50 of 120");
    is_int((long long) size_of(p, "failure-reason-codes"), 50, "50 of 120");
    is_int((long long) size_of(p, "organization-names"), 50, "50 of 121");
    is_str(nth(p, "sending-mta-ips", 0), "192.0.2.119", "most failures first");
    is_str(nth(p, "organization-names", 0), "One", "most failures first");
    is_str(nth(p, "organization-names", 1), "Org 119", "then fewer");
    says(p, "title", "112 mail servers");
}


static void
test_many(void)
{
    char           type[32];
    size_t         i;
    json_t        *p, *array;
    unsigned long  sum = 0;

    begin();

    for (unsigned n = 0; n < 100; n++) {
        snprintf(type, sizeof(type), "type-%u", n);
        add_details(LAST, "One", TESTING, type, 1, "");
    }

    for (unsigned n = 0; n < 600; n++) {
        snprintf(type, sizeof(type), "Sender %u", n);
        add(LAST - 1, type, TESTING, 2, 0);
    }

    array = problems();
    is_int((long long) json_array_size(array), 64, "kinds are bounded");

    json_array_foreach(array, i, p) {
        sum += (unsigned long) number_of(p, "failed-session-count");
    }

    is_int((long long) sum, 100, "no failure is lost");
    says(json_array_get(array, 0), "result-type", "(overflow)");
    says(json_array_get(array, 0), "title", "More failures than");

    begin();
    add(LAST, "One", TESTING, 10, 0);
    days[LAST].overflow = 77;
    p = problem("(overflow)");
    is_int(number_of(p, "failed-session-count"), 77,
           "what a full day log did not take");
}


static void
test_hostile(void)
{
    json_t  *p;
    char     org[300], mx[400];

    memset(org, 'o', sizeof(org) - 1);
    org[sizeof(org) - 1] = '\0';
    memcpy(org + 240, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
           "\xc3\xa4", 16);

    begin();
    others_succeed(LAST);
    add_details(LAST, org, ENFORCE, "starttls-not-supported", 1,
                "\"receiving-mx-hostname\":\"%s%n DOMAIN <b>\","
                "\"failure-reason-code\":\"4.4.8 %s%n\\u0001\\\"'<script>\"");
    p = problem("starttls-not-supported");
    ok(p != NULL, "a long name, formats, markup");
    says(p, "likely-cause", "%s%n\x01\"'<script>");
    says(p, "likely-cause", "is not in the MTA-STS policy");

    begin();
    add_details(LAST, "%s%n", "\"policy-type\":\"%d%n\"", "%s%s%s%n", 1, "");
    p = problem("%s%s%s%n");
    says(p, "title", "(%s%s%s%n)");

    begin();
    snprintf(mx, sizeof(mx), "%.90s\xf0\x9f\x98\x80\xf0\x9f\x98\x80%.60s",
             "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
             "yyyyyyyyyyyyyy", "z");
    add_details(LAST, "One", ENFORCE, mx, 1, "");
    ok(json_array_size(problems()) == 1
       && strlen(text_of(json_array_get(problems(), 0), "title")) > 60,
       "a long word is cut between characters");
}


int
main(void)
{
    setbuf(stdout, NULL);
    reader = tlsrpt_reader_create();
    from = tlsrpt_day_of(NOW) - LAST;

    test_types();
    test_words();
    test_reasons();
    test_members();
    test_order();
    test_mismatch();
    test_no_mismatch();
    test_costs();
    test_silence_of_one();
    test_silence_of_all();
    test_known_days();
    test_lists();
    test_many();
    test_hostile();

    begin();
    json_decref(answer_json);
    tlsrpt_reader_destroy(reader);

    return done();
}
