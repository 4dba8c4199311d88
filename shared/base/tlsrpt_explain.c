/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_explain.h"


#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))

#define ROW(name, worst, loses, attack, check, ...)                           \
    { name, name, TLSRPT_SEVERITY_##worst, TLSRPT_LOSES_##loses,              \
      TLSRPT_ATTACK_##attack, TLSRPT_CHECK_##check, __VA_ARGS__ }

/*
 * Facts
 *
 * dnssec-invalid: a lookup that is not secure delays the mail before any policy
 * is looked at (RFC 7672 2.1.1, 2.1.2, 2.2).  sts-*: who has no policy delivers
 * without one, who holds one keeps to it (RFC 8461 5.1), so that the success of
 * others says nothing about a fetch.
 */

static const tlsrpt_explanation_t  explanations[] = {
    ROW("starttls-not-supported", HIGH, BY_MODE, CLASSIC, TLS, 0, 0, 0),
    ROW("certificate-host-mismatch", HIGH, BY_MODE, POSSIBLE, POLICY, 0, 0, 1),
    ROW("certificate-expired", HIGH, BY_MODE, UNLIKELY, POLICY, 0, 0, 0),
    ROW("certificate-not-trusted", HIGH, BY_MODE, POSSIBLE, POLICY, 1, 0, 0),
    ROW("validation-failure", HIGH, BY_MODE, POSSIBLE, POLICY, 1, 0, 1),
    ROW("tlsa-invalid", HIGH, BY_MODE, POSSIBLE, DANE, 0, 0, 0),
    ROW("dnssec-invalid", HIGH, BY_DNSSEC, POSSIBLE, DANE, 0, 0, 0),
    ROW("dane-required", LOW, ALWAYS, UNLIKELY, DANE, 0, 0, 0),
    ROW("sts-policy-fetch-error", HIGH, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("sts-policy-invalid", HIGH, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("sts-webpki-invalid", HIGH, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("unspecified", MEDIUM, BY_MODE, UNLIKELY, POLICY, 0, 0, 0),
    ROW("(overflow)", MEDIUM, BY_MODE, UNLIKELY, NONE, 0, 0, 0),
    ROW("silence", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("policy-not-found", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),

    /* of our own checks alone */
    ROW("record-missing", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("record-differs", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("record-several", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("policy-id-stale", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("policy-differs", MEDIUM, NOTHING, UNLIKELY, NONE, 0, 1, 0),
    ROW("certificate-expiring", HIGH, BY_MODE, UNLIKELY, NONE, 0, 0, 0)
};

static const tlsrpt_explanation_t  not_given = {
    "", "not-given", TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_BY_MODE,
    TLSRPT_ATTACK_UNLIKELY, TLSRPT_CHECK_POLICY, 1, 0, 1
};

static const tlsrpt_explanation_t  general = {
    NULL, "unknown", TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_BY_MODE,
    TLSRPT_ATTACK_UNLIKELY, TLSRPT_CHECK_POLICY, 1, 0, 1
};


const tlsrpt_explanation_t *
tlsrpt_explain(tlsrpt_str_t result_type)
{
    for (size_t i = 0; i < COUNT(explanations); i++) {
        if (tlsrpt_str_is(result_type, explanations[i].result_type)) {
            return &explanations[i];
        }
    }

    return result_type.len ? &general : &not_given;
}


const char *
tlsrpt_severity_name(tlsrpt_severity_t severity)
{
    static const char *const  names[] = { "low", "medium", "high" };

    return names[severity];
}


/*
 * Reasons: the longer one first where one is within another
 */

#define EXPIRED    "reason-expired", "certificate-expired"
#define EARLY      "reason-not-yet-valid", "certificate-expired"
#define SELF       "reason-self-signed", "certificate-not-trusted"
#define IN_CHAIN   "reason-self-signed-in-chain", "certificate-not-trusted"
#define ISSUER     "reason-missing-issuer", "certificate-not-trusted"
#define MISMATCH   "reason-host-mismatch", "certificate-host-mismatch"
#define REVOKED    "reason-revoked", "certificate-expired"
#define WEAK_KEY   "reason-weak-key", "certificate-not-trusted"
#define HANDSHAKE  "reason-handshake", "validation-failure"
#define TIMEOUT    "reason-timeout", "validation-failure"
#define NO_MATCH   "reason-dane-no-match", "tlsa-invalid"
#define TLSA       "reason-dane-no-match", "tlsa-invalid"
#define DNSSEC     "reason-dnssec", "dnssec-invalid"
#define STARTTLS   "reason-no-starttls", "starttls-not-supported"

static const tlsrpt_reason_t  reasons[] = {
    /* Exchange: enhanced status codes (RFC 3463), its own last part */
    { "4.4.8", "reason-not-in-policy", "validation-failure" },
    { "5.4.8", "reason-not-in-policy", "validation-failure" },
    { "4.7.5", "reason-certificate", "validation-failure" },
    { "5.7.5", "reason-certificate", "validation-failure" },
    { "4.7.321", STARTTLS },  { "5.7.321", STARTTLS },
    { "4.7.322", EXPIRED },   { "5.7.322", EXPIRED },
    { "4.7.323", TLSA },      { "5.7.323", TLSA },
    { "4.7.324", DNSSEC },    { "5.7.324", DNSSEC },
    { "4.7.325", MISMATCH },  { "5.7.325", MISMATCH },
    { "4.4.312", "reason-dns", "dnssec-invalid" },
    { "5.4.312", "reason-dns", "dnssec-invalid" },

    /* OpenSSL's names (openssl/x509_vfy.h) */
    { "X509_V_ERR_CERT_HAS_EXPIRED", EXPIRED },
    { "X509_V_ERR_CERT_NOT_YET_VALID", EARLY },
    { "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT", SELF },
    { "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN", IN_CHAIN },
    { "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY", ISSUER },
    { "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT", ISSUER },
    { "X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE", ISSUER },
    { "X509_V_ERR_HOSTNAME_MISMATCH", MISMATCH },
    { "X509_V_ERR_DANE_NO_MATCH", NO_MATCH },
    { "X509_V_ERR_CERT_REVOKED", REVOKED },
    { "X509_V_ERR_EE_KEY_TOO_SMALL", WEAK_KEY },
    { "X509_V_ERR_CA_KEY_TOO_SMALL", WEAK_KEY },
    { "X509_V_ERR_*", "reason-openssl", "certificate-not-trusted" },

    /* its sentences (crypto/x509/x509_txt.c), which Postfix writes with "_" */
    { "certificate has expired", EXPIRED },
    { "certificate is not yet valid", EARLY },
    { "self-signed certificate in certificate chain", IN_CHAIN },
    { "self-signed certificate", SELF },
    { "unable to get local issuer certificate", ISSUER },
    { "unable to get issuer certificate", ISSUER },
    { "unable to verify the first certificate", ISSUER },
    { "certificate revoked", REVOKED },
    { "EE certificate key too weak", WEAK_KEY },
    { "hostname mismatch", MISMATCH },
    { "no matching DANE TLSA records", NO_MATCH },

    /* Go (crypto/x509, crypto/tls) */
    { "certificate signed by unknown authority", ISSUER },
    { "certificate has expired or is not yet valid", EXPIRED },
    { "certificate is valid for *", MISMATCH },
    { "certificate is not valid for any names", MISMATCH },
    { "tls: handshake failure", HANDSHAKE },

    /* mox, Postfix, and others */
    { "tls-handshake-failure", HANDSHAKE },
    { "tls-remote-alert-*", "reason-alert", "validation-failure" },
    { "io-timeout-during-handshake", TIMEOUT },
    { "connection-closed-during-handshake", "reason-closed",
      "validation-failure" },
    { "i/o timeout", TIMEOUT },
    { "all-unusable-records+ignored", "reason-unusable", "tlsa-invalid" },
    { "extended-dns-error-*", "reason-extended-dns", "dnssec-invalid" },
    { "no-mta-sts-dns-txt-record", "reason-no-sts-record",
      "sts-policy-fetch-error" },
    { "back-off-after-recent-fetch-error", "reason-back-off",
      "sts-policy-fetch-error" },
    { "fallback-to-cached-policy", "reason-fallback",
      "sts-policy-fetch-error" },
    { "bad https response code", "reason-http", "sts-policy-fetch-error" }
};


/* A blank, "_" and "-" stand for each other: senders write sentences as one
   word. */

static int
same_char(char a, char b)
{
    a = a == '_' || a == ' ' ? '-' : tlsrpt_lower(a);
    b = b == '_' || b == ' ' ? '-' : tlsrpt_lower(b);

    return a == b;
}


static int
is_word(tlsrpt_str_t text, size_t i)
{
    return i < text.len && tlsrpt_is_alnum(text.data[i]);
}


/* "5.4.8" is none within "15.4.8", "5.4.83" or "5.4.8.2": what goes on as a
   number or a word is another one. */

static int
goes_on(tlsrpt_str_t text, size_t begin, size_t end)
{
    const int  dotted = end < text.len && text.data[end] == '.';

    return (begin > 0 && (is_word(text, begin - 1)
                          || text.data[begin - 1] == '.'))
           || is_word(text, end) || (dotted && is_word(text, end + 1));
}


static int
holds(tlsrpt_str_t text, const char *code)
{
    size_t  n = strlen(code), matched;
    int     open = code[n - 1] == '*';

    n -= (size_t) open;

    for (size_t i = 0; i + n <= text.len; i++) {
        for (matched = 0;
             matched < n && same_char(text.data[i + matched], code[matched]);
             matched++)
        {
            /* void */
        }

        if (matched == n && !goes_on(text, i, open ? text.len : i + n)) {
            return 1;
        }
    }

    return 0;
}


const tlsrpt_reason_t *
tlsrpt_explain_reason(tlsrpt_str_t failure_reason_code)
{
    for (size_t i = 0; i < COUNT(reasons); i++) {
        if (holds(failure_reason_code, reasons[i].code)) {
            return &reasons[i];
        }
    }

    return NULL;
}


/*
 * Texts
 */

int
tlsrpt_is_text_of(const tlsrpt_wording_t *text, const char *section)
{
    return text->section != NULL && strcmp(text->section, section) == 0;
}


const tlsrpt_wording_t *
tlsrpt_texts_of(const char *section)
{
    for (const tlsrpt_wording_t *t = tlsrpt_texts; t->section; t++) {
        if (tlsrpt_is_text_of(t, section)) {
            return t;
        }
    }

    return NULL;
}


const char *
tlsrpt_text(const char *section, const char *name)
{
    const tlsrpt_wording_t  *t = tlsrpt_texts_of(section);

    for ( ; t != NULL && tlsrpt_is_text_of(t, section); t++) {
        if (strcmp(t->name, name) == 0) {
            return t->text;
        }
    }

    return NULL;
}


static int
has(const char *section, const char *name)
{
    return tlsrpt_text(section, name) != NULL;
}


const char *
tlsrpt_explain_section(const tlsrpt_explanation_t *e,
    const tlsrpt_reason_t *reason, const char *name)
{
    reason = e->by_reason ? reason : NULL;

    if (reason != NULL && has(reason->section, name)) {
        return reason->section;
    }

    return reason != NULL && reason->as != NULL && has(reason->as, name)
           ? reason->as : e->section;
}
