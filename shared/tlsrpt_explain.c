/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>
#include <strings.h>

#include "tlsrpt_explain.h"


static const tlsrpt_explanation_t  explanations[] = {

    { "starttls-not-supported",
      "No encryption offered",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_CLASSIC,
      "A sender connected to your mail server, and the server did not offer "
      "to encrypt the connection (it did not announce STARTTLS).",
      "TLS is switched off on one of your mail servers, a firewall or virus "
      "scanner between the Internet and the server removes the offer, or "
      "another program answers on port 25.",
      "Switch TLS on at every mail server that DNS names for the domain, and "
      "turn off SMTP inspection in firewalls (\"SMTP fixup\", \"ESMTP "
      "inspection\"). Test each server from outside: "
      "openssl s_client -starttls smtp -connect SERVER:25" },

    { "certificate-host-mismatch",
      "Certificate for another name",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "The mail server showed a certificate that does not hold the name under "
      "which senders know the server.",
      "The certificate lacks the name of this MX record, often that of a "
      "backup server, or the MX record points to a name that is an alias.",
      "Get a certificate that lists the name of every MX record of the domain, "
      "install it on each server, and reload the mail server." },

    { "certificate-expired",
      "Certificate expired",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_UNLIKELY,
      "The mail server showed a certificate that is past its end date, or not "
      "valid yet.",
      "The renewal failed, or it worked and the mail server still uses the old "
      "certificate because nobody reloaded it.",
      "Renew the certificate and reload the mail server; then let the renewal "
      "reload it by itself. Check the server's clock if the dates look right." },

    { "certificate-not-trusted",
      "Certificate not trusted",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "Senders could not trace the mail server's certificate to an authority "
      "that they trust.",
      "The server sends its own certificate without the intermediate one, or "
      "the certificate is self-signed.",
      "Use a certificate of a public authority and let the server send the full "
      "chain (with certbot: fullchain.pem, not cert.pem)." },

    { "validation-failure",
      "Connection refused by the sender's checks",
      TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "The sender could not set up a connection that fits the policy, and does "
      "not say more than that.",
      "Most often a mail server is missing from the MTA-STS policy; otherwise "
      "the TLS versions or ciphers do not fit, or the connection broke off "
      "during the handshake.",
      "Compare the names of your MX records with the mx lines of the policy, "
      "then look for the sender's address in the mail server's TLS log." },

    { "tlsa-invalid",
      "DANE record does not match",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "None of the TLSA records in DNS matches the certificate that the mail "
      "server showed.",
      "The certificate was renewed with a new key before the new TLSA record "
      "was published, or the record has the wrong usage, selector or hash.",
      "Publish a TLSA record for the certificate in use now. Next time publish "
      "the new record first, wait for its TTL to pass, then change the "
      "certificate; or keep the key at renewal." },

    { "dnssec-invalid",
      "DNSSEC answers do not verify",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "The sender got no DNS answer with a valid DNSSEC signature.",
      "The signatures of the zone have expired, or the DS record at the "
      "registry belongs to another key.",
      "Sign the zone again and compare the DS record at the registry with the "
      "zone's key. Test with: delv MX DOMAIN" },

    { "dane-required",
      "Sender insists on DANE",
      TLSRPT_SEVERITY_LOW, TLSRPT_LOSES_ALWAYS, TLSRPT_ATTACK_UNLIKELY,
      "The sender is set up to deliver to your domain only with DANE, and found "
      "no DANE records.",
      "A setting at the sender, perhaps by agreement with you, perhaps by "
      "mistake.",
      "Publish TLSA records for your mail servers in a DNSSEC-signed zone, or "
      "ask the sender to change the setting." },

    { "sts-policy-fetch-error",
      "MTA-STS policy cannot be fetched",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_NOTHING, TLSRPT_ATTACK_CLASSIC,
      "The domain's DNS record says that there is an MTA-STS policy, but "
      "senders could not fetch it.",
      "The name mta-sts.DOMAIN does not resolve, the web server answers with an "
      "error or a redirect, or a firewall blocks it.",
      "Make https://mta-sts.DOMAIN/.well-known/mta-sts.txt answer with status "
      "200 and without a redirect, and look for the senders in the web "
      "server's access log." },

    { "sts-policy-invalid",
      "MTA-STS policy cannot be understood",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_NOTHING, TLSRPT_ATTACK_UNLIKELY,
      "Senders fetched the MTA-STS policy but could not make sense of it.",
      "A web page is served in its place, the text has a typing mistake, or it "
      "names no mail server.",
      "Check the policy's text with the policy tool here, line by line." },

    { "sts-webpki-invalid",
      "MTA-STS web server has no valid certificate",
      TLSRPT_SEVERITY_HIGH, TLSRPT_LOSES_NOTHING, TLSRPT_ATTACK_POSSIBLE,
      "The web server that publishes the MTA-STS policy showed a certificate "
      "that is not valid for its name.",
      "The certificate has expired, or it does not hold the name "
      "mta-sts.DOMAIN, as when the web server's default site answers.",
      "Get a certificate for mta-sts.DOMAIN and configure it for that name in "
      "the web server." },

    { "unspecified",
      "Failures without a reason",
      TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_POSSIBLE,
      "The sender counted failed connections in its summary but gave no "
      "details about them.",
      "Unknown: the report does not tell.",
      "Look for the sender's connections in the mail server's TLS log of these "
      "days, or ask the sender at the report's contact address." },

    { "silence",
      "No more reports",
      TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_NOTHING, TLSRPT_ATTACK_POSSIBLE,
      "Reports used to come and have stopped. Without them you do not learn of "
      "failures.",
      "The DNS record _smtp._tls.DOMAIN was changed or lost, reports cannot be "
      "delivered to its address, or the sender has stopped sending mail or "
      "reports to you.",
      "Check the record with the record tool here, and whether its address "
      "accepts mail or POST requests." },

    /* The general one: it stands last. */

    { "",
      "Failure of a kind this software does not know",
      TLSRPT_SEVERITY_MEDIUM, TLSRPT_LOSES_BY_MODE, TLSRPT_ATTACK_UNLIKELY,
      "The sender reports failures under a word of its own, shown as it was "
      "sent.",
      "Unknown: the word is not among those of RFC 8460.",
      "Look at the failure reason code, if there is one, and for the sender's "
      "connections in the mail server's TLS log." }
};

#define LAST  (sizeof(explanations) / sizeof(explanations[0]) - 1)


const tlsrpt_explanation_t *
tlsrpt_explain(tlsrpt_str_t result_type)
{
    for (size_t i = 0; i < LAST; i++) {
        const tlsrpt_explanation_t  *e = &explanations[i];

        if (strlen(e->result_type) == result_type.len
            && memcmp(e->result_type, result_type.data, result_type.len) == 0)
        {
            return e;
        }
    }

    return &explanations[LAST];
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
