/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What checks show, of the examples in t/check: type, cause, severity, loss,
 * and the words; what cannot be read; names of certificates.
 */

#include "tap.h"

#include "check.h"
#include "tlsrpt_finding.h"
#include "tlsrpt_finding_server.h"
#include "tlsrpt_leads.h"
#include "tlsrpt_time.h"

static tlsrpt_seen_t          seen;
static tlsrpt_versions_t      versions;
static tlsrpt_findings_ask_t  asked;
static tlsrpt_findings_t      findings;
static char                   summary[4096];
static char                   seen_text[65536];
static char                   versions_text[65536];


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, strlen(text) };

    return s;
}


static void
forget(void)
{
    tlsrpt_seen_free(&seen);
    tlsrpt_versions_free(&versions);
}


/* "TYPE CAUSE SEVERITY LOST SECTION", a line each. */

static const char *
judged_at(const char *name, const char *served_as, int64_t now)
{
    size_t                    len = 0;
    static const char *const  lost[] = { "no", "perhaps", "yes" };

    forget();
    read_check(name, CHECKED_AT, seen_text);
    read_check(served_as, CHECKED_AT, versions_text);

    memset(&asked, 0, sizeof(asked));
    asked.domain = str("example.com");
    asked.now = now;
    asked.seen = tlsrpt_seen_read(str(seen_text), &seen) == 0 ? &seen : NULL;
    asked.served = tlsrpt_versions_read(str(versions_text), &versions) == 0
                 ? &versions : NULL;
    tlsrpt_findings(&asked, &findings);
    summary[0] = '\0';

    for (size_t i = 0; i < findings.n; i++) {
        const tlsrpt_finding_t  *f = &findings.list[i];
        json_t                  *cause = tlsrpt_finding_cause(f);

        len += (size_t) snprintf(summary + len, sizeof(summary) - len,
                                 "%s%s, %s, %s, %s, %s", len ? "\n" : "",
                                 f->type, json_string_value(cause),
                                 tlsrpt_severity_name(f->severity),
                                 lost[f->lost], f->section);
        json_decref(cause);
    }

    return summary;
}


static const char *
judged(const char *name, const char *served_as)
{
    return judged_at(name, served_as, CHECKED_AT);
}


static const struct {
    const char  *name;
    const char  *served;
    const char  *want;
} examples[] = {
    { "fine", "versions", "" },
    { "fine", "none", "" },
    { "record-removed", "versions", "record-missing, record _smtp._tls,"
      " medium, no, check-reporting-missing" },
    { "record-removed", "versions-new", "" },
    { "record-several", "versions", "record-several, record _mta-sts, medium,"
      " no, record-several" },
    { "record-elsewhere", "versions", "record-differs, record _smtp._tls,"
      " medium, no, check-record-elsewhere" },
    { "record-invalid", "versions", "record-differs, record _smtp._tls, medium,"
      " no, check-record-invalid" },
    { "id-stale", "versions", "policy-id-stale, record _mta-sts, medium, no,"
      " policy-id-stale" },
    { "id-stale", "versions-new", "" },
    { "id-stale", "none", "" },
    { "mx-added", "versions", "validation-failure, mx mx3.example.com, high,"
      " perhaps, check-not-covered" },
    { "policy-agent", "versions", "sts-policy-fetch-error, policy, medium, no,"
      " check-policy-agent" },
    { "policy-redirect", "versions", "sts-policy-fetch-error, policy, medium,"
      " no, check-policy-redirect" },
    { "policy-type", "versions", "sts-policy-fetch-error, policy, medium, no,"
      " check-policy-type" },
    { "policy-expired", "versions", "sts-webpki-invalid, policy, medium, no,"
      " check-policy-expired" },
    { "policy-wrong-name", "versions", "sts-webpki-invalid, policy, medium, no,"
      " check-policy-name" },
    { "policy-not-trusted", "versions", "sts-webpki-invalid, policy, medium,"
      " no, check-policy-trust" },
    { "policy-ipv6-dead", "versions", "sts-policy-fetch-error, policy, medium,"
      " no, check-policy-one-address" },
    { "policy-gone", "versions", "sts-policy-fetch-error, policy, medium, no,"
      " check-policy-address" },
    { "policy-html", "versions", "sts-policy-invalid, policy, medium, no,"
      " check-policy-invalid" },
    { "policy-unknown", "versions", "" },
    { "policy-other", "versions", "validation-failure, mx mx2.example.com,"
      " high, perhaps, check-not-covered\n"
      "policy-differs, policy, medium, no, policy-differs" },
    { "starttls-off", "versions", "starttls-not-supported, mx mx2.example.com,"
      " high, perhaps, check-no-starttls" },
    { "starttls-refused", "versions", "starttls-not-supported,"
      " mx mx2.example.com, high, perhaps, check-starttls-refused" },
    { "unreachable", "versions", "" },
    { "server-unknown", "versions", "" },
    { "expired", "versions", "certificate-expired, mx mx1.example.com, high,"
      " perhaps, check-expired" },
    { "wrong-name", "versions", "certificate-host-mismatch,"
      " mx mx1.example.com, high, perhaps, check-host-mismatch" },
    { "intermediate-missing", "versions", "certificate-not-trusted,"
      " mx mx1.example.com, high, perhaps, check-missing-issuer" },
    { "tlsa-stale", "versions", "tlsa-invalid, mx mx1.example.com, high,"
      " perhaps, check-tlsa" },
    { "tlsa-without-dnssec", "versions", "" },
    { "expiring-14", "versions", "certificate-expiring, mx mx1.example.com,"
      " low, no, check-server-expiring" },
    { "expiring-7", "versions", "certificate-expiring, mx mx1.example.com,"
      " medium, no, check-server-expiring" },
    { "expiring-1", "versions", "certificate-expiring, mx mx1.example.com,"
      " high, no, check-server-expiring" },
    { "expiring-short", "versions", "" },
    { "policy-expiring", "versions", "certificate-expiring, policy, medium, no,"
      " check-policy-expiring" },
    { "dns-failed", "versions", "" },
    { "dnssec", "versions", "dnssec-invalid, domain example.com, high, yes,"
      " check-dnssec" },
    { "dnssec-tlsa", "versions", "dnssec-invalid, mx mx1.example.com, high,"
      " perhaps, check-dnssec-server" },
};


/* Each has a title, a meaning that says when, steps, and what becomes of mail;
   no word of a text is left without its value. */

static void
check_words(const char *name)
{
    for (size_t i = 0; i < findings.n; i++) {
        json_t      *json = tlsrpt_finding_json(&asked, &findings.list[i]);
        char        *text = json_dumps(json, 0);
        const char  *meaning = json_string_value(json_object_get(json,
                                                                 "meaning"));

        ok(json_string_length(json_object_get(json, "title")) > 10
           && json_string_length(json_object_get(json, "likely-cause")) > 10
           && json_string_length(json_object_get(json, "lost-mail")) > 10
           && json_array_size(json_object_get(json, "steps")) > 0,
           "%s: all is said", name);
        ok(meaning != NULL
           && strstr(meaning, "Our check on 2026-01-20 at 12:00 UTC") != NULL,
           "%s: it is said when it was seen: %s", name, meaning);
        ok(text != NULL && strstr(text, "{domain}") == NULL
           && strstr(text, "@ID@") == NULL, "%s: of whom", name);
        free(text);
        json_decref(json);
    }
}


static void
test_examples(void)
{
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        is_str(judged(examples[i].name, examples[i].served), examples[i].want,
               examples[i].name);
        check_words(examples[i].name);
    }
}


/* The records to publish are told as they are. */

static void
test_publish(void)
{
    static const char *const  want[][2] = {
        { "record-removed", "\"v=TLSRPTv1; rua=mailto:tlsrpt@example.net\"" },
        { "record-elsewhere", "\"v=TLSRPTv1; rua=mailto:tlsrpt@example.net\"" },
        { "id-stale", "\"v=STSv1; id=2d120f5760e028c5eff9ef7e;\"" },
    };

    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        json_t      *json;
        const char  *text;

        (void) judged(want[i][0], "versions");
        json = tlsrpt_finding_json(&asked, &findings.list[0]);
        text = json_string_value(json_object_get(json_array_get(
                   json_object_get(json, "steps"), 0), "text"));
        ok(text != NULL && strstr(text, want[i][1]) != NULL, "%s: %s",
           want[i][0], text ? text : "(none)");
        json_decref(json);
    }
}


static void
test_modes(void)
{
    is_str(judged_at("starttls-off", "none", CHECKED_AT + 5 * TLSRPT_DAY), "",
           "what was seen days ago says nothing of now");

    (void) judged("starttls-off", "none");
    is_int(findings.list[0].severity, TLSRPT_SEVERITY_HIGH,
           "senders go by the policy that they get, whoever serves it");
}


/* What was open stays so until a look can tell. */

static int
knows(const char *name, const char *type, tlsrpt_about_t about, const char *mx)
{
    (void) judged(name, "versions");

    return tlsrpt_finding_is_known(&asked, str(type), about, str(mx));
}


static void
test_known(void)
{
    ok(knows("fine", "starttls-not-supported", TLSRPT_ABOUT_MX,
             "mx2.example.com"), "a server that offers TLS is fine");
    ok(!knows("unreachable", "starttls-not-supported", TLSRPT_ABOUT_MX,
              "mx2.example.com"),
       "of one that does not answer nothing is known");
    ok(!knows("server-unknown", "certificate-expired", TLSRPT_ABOUT_MX,
              "mx2.example.com"), "nor of one that was not asked");
    ok(!knows("starttls-off", "certificate-expired", TLSRPT_ABOUT_MX,
              "mx2.example.com"), "without TLS no certificate is seen");
    ok(knows("fine", "certificate-expired", TLSRPT_ABOUT_MX,
             "mx7.example.com"), "a server that is gone has no problem");
    ok(!knows("dns-failed", "certificate-expired", TLSRPT_ABOUT_MX,
              "mx7.example.com"), "unless the MX records were not seen");
    ok(!knows("dns-failed", "record-missing", TLSRPT_ABOUT_REPORTING, ""),
       "a failed look is no all-clear");
    ok(knows("dns-failed", "record-missing", TLSRPT_ABOUT_STS, ""),
       "of the record that answered something is known");
    ok(!knows("policy-unknown", "sts-webpki-invalid", TLSRPT_ABOUT_POLICY, ""),
       "nor is a policy that could not be asked for");
    ok(knows("fine", "dnssec-invalid", TLSRPT_ABOUT_DOMAIN, ""),
       "answers that verify are known to");
    ok(!knows("dns-failed", "dnssec-invalid", TLSRPT_ABOUT_DOMAIN, ""),
       "where there was none, nothing is");
    ok(!knows("unreachable", "dnssec-invalid", TLSRPT_ABOUT_MX,
              "mx2.example.com"), "whose TLSA records were not asked for");
    ok(!knows("none", "sts-webpki-invalid", TLSRPT_ABOUT_POLICY, ""),
       "nothing was seen, nothing is known");
}


static const struct {
    const char  *name;
    const char  *host;
    int          want;
} names[] = {
    { "mx1.example.com", "mx1.example.com", 1 },
    { "MX1.example.COM", "mx1.example.com", 1 },
    { "*.example.com", "mx1.example.com", 1 },
    { "*.example.com", "a.mx1.example.com", 0 },
    { "*.example.com", "example.com", 0 },
    { "*.example.com", ".example.com", 0 },
    { "*.com", "mx1.example.com", 0 },
    { "mx*.example.com", "mx1.example.com", 0 },
    { "mx.*.com", "mx.example.com", 0 },
    { "*", "mx1", 0 },
    { "", "mx1.example.com", 0 },
    { "mx1.example.com.evil.example", "mx1.example.com", 0 },
};


static void
test_names(void)
{
    static tlsrpt_seen_chain_t  tls;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tls.names[0] = str(names[i].name);
        tls.nnames = 1;
        is_int(tlsrpt_finding_has_name(&tls, str(names[i].host)), names[i].want,
               "\"%s\" and %s", names[i].name, names[i].host);
    }

    tls.nnames = 0;
    ok(!tlsrpt_finding_has_name(&tls, str("mx1.example.com")),
       "a certificate without names is for none");
}


static int
expires(int64_t lifetime, int64_t left)
{
    tlsrpt_finding_t            f;
    static tlsrpt_seen_chain_t  tls;

    tls.nchain = 1;
    tls.chain[0].not_before = CHECKED_AT + left - lifetime;
    tls.chain[0].not_after = CHECKED_AT + left;

    return tlsrpt_finding_expiring(&tls, CHECKED_AT, &f) ? (int) f.severity
                                                         : -1;
}


static void
test_expiring(void)
{
    const int64_t  day = TLSRPT_DAY;

    is_int(expires(90 * day, 15 * day), -1, "15 days are left");
    is_int(expires(90 * day, 14 * day), TLSRPT_SEVERITY_LOW, "14");
    is_int(expires(90 * day, 8 * day), TLSRPT_SEVERITY_LOW, "8");
    is_int(expires(90 * day, 7 * day), TLSRPT_SEVERITY_MEDIUM, "7");
    is_int(expires(90 * day, day + 1), TLSRPT_SEVERITY_MEDIUM, "1 and more");
    is_int(expires(90 * day, day), TLSRPT_SEVERITY_HIGH, "1");
    is_int(expires(90 * day, -1), -1, "it is over: another type");
    is_int(expires(6 * day, 3 * day), -1, "six days long: 3 left");
    is_int(expires(6 * day, 2 * day), TLSRPT_SEVERITY_LOW, "2 left");
    is_int(expires(6 * day, day), TLSRPT_SEVERITY_MEDIUM, "1 left");
}


static void
test_unreadable(void)
{
    tlsrpt_seen_t             s;
    tlsrpt_versions_t         v;
    static char               big[TLSRPT_SEEN_SIZE + 2];
    static const char         texts[][8] = { "", "{", "[]", "null", "\"a\"" };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        is_int(tlsrpt_seen_read(str(texts[i]), &s), -1, "'%s'", texts[i]);
        is_int(tlsrpt_versions_read(str(texts[i]), &v), -1, "'%s'", texts[i]);
    }

    memset(big, ' ', sizeof(big) - 1);
    is_int(tlsrpt_seen_read(str(big), &s), -1, "too long");
    is_int(tlsrpt_seen_read(str("{\"mx\":{\"hosts\":[1,{\"host\":2}]},"
                                "\"servers\":[[],{\"host\":\"a\"}],"
                                "\"policy\":[],\"reporting\":{\"txt\":7},"
                                "\"at\":\"x\"}"), &s), 0, "odd types");
    is_int((long long) (s.nhosts + s.reporting.ntxt), 0, "are not there");
    is_int((long long) s.nservers, 1, "the others are");
    tlsrpt_seen_free(&s);
}


/* Whether mta-sts.DOMAIN leads here: "check" is of the domain, "here" of the
   host of our https: URI. */

#define FRESH  "\"at\":1000000"
#define OURS   "{" FRESH ",\"a\":[\"192.0.2.1\"],\"aaaa\":[\"2001:db8::1\"]}"

static const struct {
    const char          *host;
    const char          *here;
    tlsrpt_seen_bool_t   want;
    const char          *name;
} leads[] = {
    { FRESH ",\"cname\":[\"in.example.net\",\"r.example.net\"]", "",
      TLSRPT_SEEN_YES, "an alias that ends here, of which nothing is known" },
    { FRESH ",\"cname\":[\"r.example.net\",\"lb.example.net\"]", OURS,
      TLSRPT_SEEN_YES, "an alias of what is an alias" },
    { FRESH ",\"cname\":[\"mta-sts.zone.example\"]", OURS, TLSRPT_SEEN_YES,
      "an alias into the zone" },
    { FRESH ",\"cname\":[\"lb.example\"]",
      "{" FRESH ",\"cname\":[\"lb.example\"]}", TLSRPT_SEEN_YES,
      "an alias of the same" },
    { FRESH ",\"a\":[\"192.0.2.7\",\"192.0.2.1\"]", OURS, TLSRPT_SEEN_YES,
      "an address" },
    { FRESH ",\"aaaa\":[\"2001:db8::1\"],\"error\":\"a: servfail\"", OURS,
      TLSRPT_SEEN_YES, "one of them, where another cannot be known" },
    { FRESH ",\"a\":[\"192.0.2.7\"]", OURS, TLSRPT_SEEN_NO,
      "other addresses" },
    { FRESH ",\"cname\":[\"elsewhere.example\"],\"a\":[\"192.0.2.7\"]", OURS,
      TLSRPT_SEEN_NO, "another's alias" },
    { FRESH ",\"a\":[],\"aaaa\":[]", "", TLSRPT_SEEN_NO, "no address" },
    { FRESH ",\"a\":[\"192.0.2.7\"],\"error\":\"aaaa: servfail\"", OURS,
      TLSRPT_SEEN_UNKNOWN, "of which one part is not known" },
    { FRESH ",\"a\":[\"192.0.2.7\"]", "", TLSRPT_SEEN_UNKNOWN,
      "where nobody has looked at ours" },
    { FRESH ",\"a\":[\"192.0.2.7\"]", "{\"at\":700000,\"a\":[\"192.0.2.7\"]}",
      TLSRPT_SEEN_UNKNOWN, "or not of late" },
    { FRESH ",\"a\":[\"192.0.2.7\"]",
      "{" FRESH ",\"aaaa\":[],\"error\":\"a: timeout\"}", TLSRPT_SEEN_UNKNOWN,
      "or without an answer" },
    { "\"at\":700000,\"a\":[\"192.0.2.7\"]", OURS, TLSRPT_SEEN_UNKNOWN,
      "a look of days ago" },
    { "", OURS, TLSRPT_SEEN_UNKNOWN, "none" },
    { FRESH ",\"a\":{\"0\":1},\"cname\":[7,null],\"aaaa\":\"x\"", OURS,
      TLSRPT_SEEN_NO, "odd types" },
};

static void
test_leads(void)
{
    char                 text[512];
    tlsrpt_leads_t       ours;
    const tlsrpt_str_t   uris[] = {
        str("mailto:tlsrpt@m.example.net"), str("https://R.example.net:8443/v1")
    };

    tlsrpt_leads_names(&ours, uris, 2, str("zone.example"));
    is_int((long long) ours.n, 2, "two names are ours");
    is_str(ours.name[0], "r.example.net", "the first https: one");
    is_str(ours.name[1], "mta-sts.zone.example", "the zone's");
    tlsrpt_leads_free(&ours);

    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        tlsrpt_leads_names(&ours, uris, 2, str("zone.example"));
        tlsrpt_leads_seen(&ours, 0, str(leads[i].here));
        tlsrpt_leads_seen(&ours, 1, str(leads[i].here));
        snprintf(text, sizeof(text), "{\"host\":{%s}}", leads[i].host);
        is_int(tlsrpt_leads(&ours, str(text), 1000000), leads[i].want, "%s",
               leads[i].name);
        tlsrpt_leads_free(&ours);
    }

    tlsrpt_leads_names(&ours, uris, 1, (tlsrpt_str_t) { NULL, 0 });
    is_int((long long) ours.n, 0, "mailto: alone names no host");
    is_int(tlsrpt_leads(&ours, str("{\"host\":" OURS "}"), 1000000),
           TLSRPT_SEEN_UNKNOWN, "so where it leads is not known");
    is_int(tlsrpt_leads(&ours, str("{"), 1000000), TLSRPT_SEEN_UNKNOWN,
           "no JSON");
    tlsrpt_leads_free(&ours);
}


int
main(void)
{
    test_leads();
    test_examples();
    test_publish();
    test_modes();
    test_known();
    test_names();
    test_expiring();
    test_unreadable();
    forget();

    return done();
}
