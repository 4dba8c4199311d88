/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tlsrpt_explain.h"


static const tlsrpt_explanation_t  explanations[] = {

    { .result_type = "starttls-not-supported",
      .title = "No encryption offered",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_CLASSIC,
      .meaning =
      "A sender connected to your mail server, and the server did not offer "
      "to encrypt the connection (it did not announce STARTTLS).",
      .cause =
      "TLS is switched off on one of your mail servers, a firewall or virus "
      "scanner between the Internet and the server removes the offer, or "
      "another program answers on port 25.",
      .fix =
      "Switch TLS on at every mail server that the MX records of the domain "
      "name, and turn off the inspection of SMTP in firewalls (\"SMTP fixup\", "
      "\"ESMTP inspection\"). Test each server from outside: "
      "openssl s_client -starttls smtp -connect SERVER:25" },

    { .result_type = "certificate-host-mismatch",
      .title = "Certificate for another name",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_POSSIBLE, .names_mx = 1,
      .meaning =
      "The mail server's certificate does not contain the name under which "
      "senders know the server, that of its MX record.",
      .cause =
      "The certificate was made without the name of this MX record (often "
      "that of a backup server), or the MX record names an alias (CNAME).",
      .fix =
      "Get a certificate that contains the name of every MX record of the "
      "domain, install it on each server, and reload the mail server." },

    { .result_type = "certificate-expired",
      .title = "Certificate expired",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "The mail server's certificate is past its end date, or not valid yet.",
      .cause =
      "The renewal failed, or it worked and the mail server still uses the old "
      "certificate because nobody reloaded it.",
      .fix =
      "Renew the certificate and reload the mail server, and let each renewal "
      "do the reload from now on. If the dates look right, check the server's "
      "clock." },

    { .result_type = "certificate-not-trusted",
      .title = "Certificate not trusted",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_POSSIBLE,
      .meaning =
      "Senders could not trace the mail server's certificate back to an "
      "authority that they trust.",
      .cause =
      "The server sends its own certificate without the intermediate one, or "
      "the certificate is self-signed.",
      .fix =
      "Use a certificate of a public authority and let the server send the "
      "full chain (with certbot: fullchain.pem, not cert.pem)." },

    { .result_type = "validation-failure",
      .title = "Connection failed the sender's checks",
      .severity = TLSRPT_SEVERITY_MEDIUM, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_POSSIBLE, .names_mx = 1,
      .meaning =
      "The sender could not set up a connection that fits your policy, and the "
      "report gives no more exact reason.",
      .cause =
      "Most often a mail server is missing from the MTA-STS policy. Otherwise "
      "server and sender have no TLS version or cipher in common, or the "
      "connection broke while TLS was being set up.",
      .fix =
      "Compare the names in your MX records with the mx lines of the policy, "
      "then look for the sender's address in the mail server's TLS log." },

    { .result_type = "tlsa-invalid",
      .title = "DANE record does not match",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_POSSIBLE,
      .meaning =
      "None of the server's DANE records in DNS (TLSA) matches the certificate "
      "that the server uses.",
      .cause =
      "The certificate was renewed with a new key before the new TLSA record "
      "was published, or the record has the wrong usage, selector or hash.",
      .fix =
      "Publish a TLSA record for the certificate in use now. Next time publish "
      "the new record first, wait until the TTL of the old one has passed, and "
      "change the certificate then; or keep the key when renewing." },

    { .result_type = "dnssec-invalid",
      .title = "DNSSEC answers do not verify",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_POSSIBLE,
      .meaning =
      "The sender got no DNS answer with a valid DNSSEC signature.",
      .cause =
      "The signatures of the DNS zone have expired, or the DS record at the "
      "registry belongs to another key.",
      .fix =
      "Sign the zone again and compare the DS record at the registry with the "
      "zone's key. Test with: delv MX DOMAIN" },

    { .result_type = "dane-required",
      .title = "Sender insists on DANE",
      .severity = TLSRPT_SEVERITY_LOW, .loses = TLSRPT_LOSES_ALWAYS,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "The sender is set up to deliver to your domain only with DANE, and "
      "found no DANE records (TLSA).",
      .cause =
      "A setting at the sender: agreed with you, or a mistake.",
      .fix =
      "Publish TLSA records for your mail servers in a DNSSEC-signed zone, or "
      "ask the sender to change the setting." },

    { .result_type = "sts-policy-fetch-error",
      .title = "MTA-STS policy cannot be fetched",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_NOTHING,
      .attack = TLSRPT_ATTACK_CLASSIC,
      .meaning =
      "The domain's DNS record says that there is an MTA-STS policy, but "
      "senders could not fetch it.",
      .cause =
      "The name mta-sts.DOMAIN does not resolve, the web server answers with "
      "an error or a redirect, or a firewall blocks it.",
      .fix =
      "Make https://mta-sts.DOMAIN/.well-known/mta-sts.txt answer with status "
      "200 and without a redirect, and look for the senders in the web "
      "server's access log." },

    { .result_type = "sts-policy-invalid",
      .title = "MTA-STS policy cannot be understood",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_NOTHING,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "Senders fetched the MTA-STS policy but could not make sense of it.",
      .cause =
      "A web page is served in its place, the text has a typing mistake, or it "
      "names no mail server.",
      .fix =
      "Check the text at https://mta-sts.DOMAIN/.well-known/mta-sts.txt with "
      "the policy tool here (tools/policy): it names the wrong line." },

    { .result_type = "sts-webpki-invalid",
      .title = "MTA-STS web server has no valid certificate",
      .severity = TLSRPT_SEVERITY_HIGH, .loses = TLSRPT_LOSES_NOTHING,
      .attack = TLSRPT_ATTACK_POSSIBLE,
      .meaning =
      "The web server that publishes the MTA-STS policy has no certificate "
      "that is valid for its name.",
      .cause =
      "The certificate has expired, or it does not contain the name "
      "mta-sts.DOMAIN, as when the web server's default site answers.",
      .fix =
      "Get a certificate for mta-sts.DOMAIN and configure it for that name in "
      "the web server." },

    { .result_type = "unspecified",
      .title = "Failures without a reason",
      .severity = TLSRPT_SEVERITY_MEDIUM, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "The sender counted failed connections but gave no details about them.",
      .cause =
      "Unknown: the report does not tell.",
      .fix =
      "Look for the sender's connections in the mail server's TLS log of these "
      "days, or ask the sender at the contact address in its report." },

    { .result_type = "(overflow)",
      .title = "More failures than are kept in detail",
      .severity = TLSRPT_SEVERITY_MEDIUM, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "So many different failures were reported that only the number of these "
      "was kept.",
      .cause =
      "A very long report, or very many different failures.",
      .fix =
      "Mend the other problems of these days first; the reports themselves "
      "have the details as long as they are kept." },

    { .result_type = "silence",
      .title = "No more reports",
      .severity = TLSRPT_SEVERITY_MEDIUM, .loses = TLSRPT_LOSES_NOTHING,
      .attack = TLSRPT_ATTACK_UNLIKELY,
      .meaning =
      "Reports used to come and have stopped. Without them you do not learn of "
      "failures.",
      .cause =
      "The DNS record _smtp._tls.DOMAIN was changed or lost, reports cannot be "
      "delivered to the address in it, or the sender no longer sends you mail "
      "or reports.",
      .fix =
      "Check the record with the record tool here (tools/record), and whether "
      "the address in it accepts mail or POST requests." },

    /* The general one: it stands last. */

    { .result_type = "",
      .title = "Failure of a kind this software does not know",
      .severity = TLSRPT_SEVERITY_MEDIUM, .loses = TLSRPT_LOSES_BY_MODE,
      .attack = TLSRPT_ATTACK_UNLIKELY, .names_mx = 1,
      .meaning =
      "The sender names the failure by a word of its own, which is shown here "
      "as it was sent.",
      .cause =
      "Unknown: the word is not one that the standard (RFC 8460) explains.",
      .fix =
      "Look at the failure reason code, if there is one, and for the sender's "
      "connections in the mail server's TLS log." }
};

#define LAST  (sizeof(explanations) / sizeof(explanations[0]) - 1)


const tlsrpt_explanation_t *
tlsrpt_explain(tlsrpt_str_t result_type)
{
    for (size_t i = 0; i < LAST; i++) {
        const tlsrpt_explanation_t  *e = &explanations[i];

        if (tlsrpt_str_is(result_type, e->result_type)) {
            return e;
        }
    }

    return &explanations[LAST];
}


size_t
tlsrpt_explain_for(const char *text, tlsrpt_str_t domain, char *buf,
    size_t size)
{
    int          n;
    size_t       len = 0;
    const char  *p;

    while ((p = strstr(text, "DOMAIN")) != NULL && len < size) {
        n = snprintf(buf + len, size - len, "%.*s%.*s", (int) (p - text), text,
                     (int) domain.len, domain.data);
        len += n > 0 ? (size_t) n : 0;
        text = p + sizeof("DOMAIN") - 1;
    }

    if (len < size) {
        n = snprintf(buf + len, size - len, "%s", text);
        len += n > 0 ? (size_t) n : 0;
    }

    return len < size ? len : size - 1;
}


const char *
tlsrpt_severity_name(tlsrpt_severity_t severity)
{
    static const char *const  names[] = { "low", "medium", "high" };

    return names[severity];
}


/* What senders write as failure-reason-code (free text, RFC 8460 4.4), by a
   piece of it. */

static const struct {
    const char  *piece;
    const char  *words;
} reasons[] = {
    { "4.4.8", "the name of the mail server is not in the MTA-STS policy" },
    { "5.4.8", "the name of the mail server is not in the MTA-STS policy" },
    { "4.7.5", "the certificate failed the sender's check" },
    { "5.7.5", "the certificate failed the sender's check" },
    { "X509_V_ERR_CERT_HAS_EXPIRED", "the certificate has expired" },
    { "X509_V_ERR_CERT_NOT_YET_VALID", "the certificate is not valid yet" },
    { "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT",
      "the certificate is self-signed" },
    { "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN",
      "the chain ends in a certificate that signed itself" },
    { "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT",
      "the intermediate certificate is missing" },
    { "X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "the intermediate certificate is missing" },
    { "X509_V_ERR_HOSTNAME_MISMATCH",
      "the certificate does not hold the name of the mail server" },
    { "X509_V_ERR_", "OpenSSL's check of the certificate failed" },
    { "tls-remote-alert", "the mail server broke off the TLS handshake" },
    { "io-timeout-during-handshake",
      "the mail server did not answer during the TLS handshake" }
};


/* Does the text hold the piece, in any case? */

static int
holds(tlsrpt_str_t text, const char *piece)
{
    size_t  n = strlen(piece);

    for (size_t i = 0; i + n <= text.len; i++) {
        if (strncasecmp(text.data + i, piece, n) == 0) {
            return 1;
        }
    }

    return 0;
}


const char *
tlsrpt_explain_reason(tlsrpt_str_t failure_reason_code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (holds(failure_reason_code, reasons[i].piece)) {
            return reasons[i].words;
        }
    }

    return NULL;
}
