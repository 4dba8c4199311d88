/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stddef.h>
#include <string.h>

#include "tlsrpt_builder.h"
#include "tlsrpt_count.h"
#include "tlsrpt_ip.h"
#include "tlsrpt_report.h"
#include "tlsrpt_time.h"
#include "tlsrpt_utf8.h"


#define MAX_IDN  1024                       /* host names of a report */


/*
 * Cleaning
 */

#define REPEAT(c)  (UINT64_C(0x0101010101010101) * (c))

/* The high bit of each byte from A to Z. */

static uint64_t
upper_of(uint64_t x)
{
    uint64_t  low = x & REPEAT(0x7f);

    return (low + REPEAT(0x80 - 'A')) & ~(low + REPEAT(0x7f - 'Z')) & ~x
           & REPEAT(0x80);
}


static int
has_upper(const char *s, size_t len)
{
    uint64_t  x, upper = 0;

    for ( ; len >= sizeof(x); s += sizeof(x), len -= sizeof(x)) {
        memcpy(&x, s, sizeof(x));
        upper |= upper_of(x);
    }

    while (len) {
        upper |= upper_of((unsigned char) s[--len]);
    }

    return upper != 0;
}


static int
kept(tlsrpt_builder_t *b, int rc)
{
    if (rc == 0) {
        return TLSRPT_OK;
    }

    return tlsrpt_strings_full(&b->text)
           ? tlsrpt_builder_fail(b, TLSRPT_ERR_TOO_MANY_ITEMS,
                                 "the strings are over 1 MiB together")
           : tlsrpt_builder_fail(b, TLSRPT_ERR_MEMORY, "%s", "");
}


/* Both note what they keep: where that is not all of what came, the identity
   needs what came. */

static int
keep_copy(tlsrpt_builder_t *b, tlsrpt_str_t *field, const char *s, size_t len)
{
    b->kept.data = s;
    b->kept.len = len;

    return kept(b, tlsrpt_strings_copy(&b->text, s, len, field));
}


static int
keep(tlsrpt_builder_t *b, tlsrpt_str_t *field, const char *s, size_t len)
{
    b->kept.data = s;
    b->kept.len = len;

    return kept(b, tlsrpt_strings_intern(&b->text, s, len, field));
}


static __attribute__((noinline)) int
make_usable(tlsrpt_builder_t *b, tlsrpt_json_event_t event, const char **s,
    size_t *len)
{
    if (event != TLSRPT_JSON_STRING) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "not a string, passed over");
        return 0;
    }

    tlsrpt_builder_trim(s, len);

    if (*len == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "empty, taken as absent");
        return 0;
    }

    if (*len > TLSRPT_MAX_STRING) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "cut to %d bytes",
                            TLSRPT_MAX_STRING);
        *len = tlsrpt_utf8_cut(*s, *len, TLSRPT_MAX_STRING);
    }

    return 1;
}


/* A string that says something, or 0: what there is of it is passed over.
   Most are as they should be. */

static inline int
usable(tlsrpt_builder_t *b, tlsrpt_json_event_t event, const char **s,
    size_t *len)
{
    return (event == TLSRPT_JSON_STRING
            && *len - 1 < TLSRPT_MAX_STRING
            && (unsigned char) (*s)[0] > ' '
            && (unsigned char) (*s)[*len - 1] > ' ')
           || make_usable(b, event, s, len);
}


/*
 * Setters
 */

/* What only informs, and is different in each detail: nobody compares it. */

static int
set_text(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    if (b->in_overflow || !usable(b, event, &s, &len)) {
        return TLSRPT_OK;
    }

    return keep_copy(b, field, s, len);
}


/* What is counted by. */

static int
set_reason(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    if (b->in_overflow || !usable(b, event, &s, &len)) {
        return TLSRPT_OK;
    }

    return keep(b, field, s, len);
}


/* What the identity of the report stands on: another type would lie. */

static int
set_identity(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    if (event == TLSRPT_JSON_NUMBER) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "a number, taken as a string");
        event = TLSRPT_JSON_STRING;
    }

    if (event != TLSRPT_JSON_STRING) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "a string is expected");
    }

    return set_text(b, field, event, s, len);
}


/* policy-type, result-type: the RFC's words in lower case, or whatever the
   sender says (RFC 8460 4.3: "expected to grow over time"). */

static int
set_keyword(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    char  buf[TLSRPT_MAX_STRING];

    if (event != TLSRPT_JSON_STRING) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "a string is expected");
    }

    if (b->in_overflow || !usable(b, event, &s, &len)) {
        return TLSRPT_OK;
    }

    if (has_upper(s, len)) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA,
                            "upper case, taken as lower case");
        tlsrpt_lower_copy(buf, s, len);
        s = buf;
    }

    return keep(b, field, s, len);
}


static int
set_ip(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    int     bare;
    char    text[TLSRPT_IP_TEXT_LEN];
    size_t  n;

    if (b->in_overflow || !usable(b, event, &s, &len)) {
        return TLSRPT_OK;
    }

    n = tlsrpt_ip_read(s, len, text, &bare);

    if (n == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "not an IP address, passed over");
        return TLSRPT_OK;
    }

    if (!bare) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "more than an IP address, taken "
                            "as %.*s", (int) n, text);
    }

    return keep(b, field, n == len && memcmp(text, s, n) == 0 ? s : text, n);
}


static int
is_ascii(const char *s, size_t len)
{
    uint64_t  x, all = 0;

    for ( ; len >= sizeof(x); s += sizeof(x), len -= sizeof(x)) {
        memcpy(&x, s, sizeof(x));
        all |= x;
    }

    while (len) {
        all |= (unsigned char) s[--len];
    }

    return (all & UINT64_C(0x8080808080808080)) == 0;
}


/* Reports name few hosts, many times: the last name with U-labels is
   remembered, and so many are brought to A-labels. */

size_t
tlsrpt_builder_host(tlsrpt_builder_t *b, const char *s, size_t len, char *buf)
{
    if (is_ascii(s, len)) {
        return tlsrpt_domain_normalize(s, len, buf);
    }

    if (len > sizeof(b->idn)) {
        return 0;
    }

    if (len != b->idn_len || memcmp(s, b->idn, len) != 0) {
        if (b->nidn == MAX_IDN
            || tlsrpt_json_spend(b->json, TLSRPT_COST_IDN
                                 + len * TLSRPT_COST_IDN_BYTE) != TLSRPT_OK)
        {
            return 0;
        }

        b->nidn++;
        memcpy(b->idn, s, len);
        b->idn_len = len;
        b->idn_ascii_len = tlsrpt_domain_normalize(s, len, b->idn_ascii);
    }

    memcpy(buf, b->idn_ascii, sizeof(b->idn_ascii));

    return b->idn_ascii_len;
}


static int
set_host(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    char    buf[TLSRPT_DOMAIN_LEN + 1], text[TLSRPT_MAX_STRING];
    size_t  n;

    if (b->in_overflow || !usable(b, event, &s, &len)) {
        return TLSRPT_OK;
    }

    n = tlsrpt_builder_host(b, s, len, buf);

    if (n == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "not a host name, kept as sent");
        return keep(b, field, text, tlsrpt_lower_copy(text, s, len));
    }

    if (n == len && memcmp(buf, s, n) == 0) {
        return keep(b, field, s, n);
    }

    tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "taken as %s", buf);

    return keep(b, field, buf, n);
}


static int
set_policy_domain(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    char    buf[TLSRPT_DOMAIN_LEN + 1];
    size_t  n;

    if (event != TLSRPT_JSON_STRING) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "a string is expected");
    }

    tlsrpt_builder_trim(&s, &len);

    if (len == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "empty, taken as absent");
        return TLSRPT_OK;
    }

    b->first[b->report.npolicies - 1].named = 1;

    /* Never cut: what is left would be another name. */
    n = tlsrpt_builder_host(b, s, len, buf);

    if (n == 0) {
        tlsrpt_builder_leave_out(b, TLSRPT_ERR_DOMAIN, NULL,
                                 "not a domain name");
        return TLSRPT_OK;
    }

    if (n != len || memcmp(buf, s, n) != 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "taken as %s", buf);
    }

    return keep(b, field, buf, n);
}


static int
set_count(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    uint64_t  value = 0;

    if (event == TLSRPT_JSON_STRING) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "a string, taken as a number");
        tlsrpt_builder_trim(&s, &len);

    } else if (event != TLSRPT_JSON_NUMBER) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "a number is expected");
    }

    if (len == 0) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_COUNT, "an empty string");
    }

    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return tlsrpt_builder_fail(b, TLSRPT_ERR_COUNT, "it is %.*s",
                                       (int) tlsrpt_utf8_cut(s, len, 40), s);
        }

        value = value * 10 + (uint64_t) (s[i] - '0');

        if (value > TLSRPT_MAX_COUNT) {
            return tlsrpt_builder_fail(b, TLSRPT_ERR_COUNT,
                                       "it is over 2^53 - 1 (RFC 7493 2.2)");
        }
    }

    *(uint64_t *) field = value;
    return TLSRPT_OK;
}


/* Digits alone: some senders give time() as it is. */

static int
unix_seconds(const char *s, size_t len, int64_t *seconds)
{
    int64_t  value = 0;

    if (len == 0 || len > 11) {
        return 0;
    }

    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }

        value = value * 10 + (s[i] - '0');
    }

    *seconds = value;

    return 1;
}


static int
set_time(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    unsigned  deviations;

    if (event != TLSRPT_JSON_STRING && event != TLSRPT_JSON_NUMBER) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "a string is expected");
    }

    tlsrpt_builder_trim(&s, &len);

    if (unix_seconds(s, len, field)) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA " (RFC 3339 5.6)",
                            "Unix seconds, taken as a date-time");
        return TLSRPT_OK;
    }

    if (tlsrpt_time_parse(s, len, field, &deviations) != 0) {
        return tlsrpt_builder_fail(b, TLSRPT_ERR_DATE, "it is \"%.*s\"",
                                   (int) tlsrpt_utf8_cut(s, len, 40), s);
    }

    if (deviations & TLSRPT_TIME_NO_ZONE) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA " (RFC 3339 5.6)",
                            "no time zone, taken as UTC");
    }

    if (deviations & TLSRPT_TIME_SLOPPY) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA " (RFC 3339 5.6)",
                            "not in its one form: 2026-01-31T00:00:00Z");
    }

    return TLSRPT_OK;
}


static int
set_empty(tlsrpt_builder_t *b, void *field, tlsrpt_json_event_t event,
    const char *s, size_t len)
{
    (void) field;
    (void) s;

    if (event == TLSRPT_JSON_STRING && len == 0) {
        tlsrpt_builder_warn(b, TLSRPT_SCHEMA, "empty, taken as absent");
        return TLSRPT_OK;
    }

    return tlsrpt_builder_fail(b, TLSRPT_ERR_TYPE, "an array is expected");
}


/*
 * The tables
 */

#define NAME(s)    { "\"" s "\":", sizeof("\"" s "\":") - 1 }
#define GIVEN(bit)  1u << TLSRPT_GIVEN_ ##bit

#define CANON(number)  TLSRPT_CANON_##number

#define VALUE(s, bit, number, type, field, set)                               \
    { NAME(s), GIVEN(bit), CANON(number), 0, 0, 0, offsetof(type, field), set, \
      NULL }

#define COUNTS(s, bit, number, type, field)                                   \
    { NAME(s), GIVEN(bit), CANON(number), 1, 0, 0, offsetof(type, field),     \
      set_count, NULL }

#define ALIAS(s, of, bit, number, type, field, set)                           \
    { NAME(s), GIVEN(bit), CANON(number), 0, 0, 0, offsetof(type, field), set, \
      of }

#define LIST(s, bit, number, node, set, of)                                   \
    { NAME(s), GIVEN(bit), CANON(number), 0, 0, TLSRPT_NODE_##node, 0, set, of }

#define OPENS(s, bit, object, array, set, of)                                 \
    { NAME(s), GIVEN(bit), 0, 0, object, array, 0, set, of }


static const tlsrpt_member_t  report_members[] = {
    VALUE("organization-name", ORGANIZATION, ORGANIZATION, tlsrpt_report_t,
          organization_name, set_identity),
    OPENS("date-range", RANGE, TLSRPT_NODE_DATE_RANGE, 0, NULL, NULL),
    VALUE("contact-info", CONTACT, CONTACT, tlsrpt_report_t, contact_info,
          set_text),
    VALUE("report-id", ID, ID, tlsrpt_report_t, report_id, set_identity),
    OPENS("policies", POLICIES, 0, TLSRPT_NODE_POLICIES, NULL, NULL)
};

static const tlsrpt_member_t  date_range_members[] = {
    VALUE("start-datetime", START, START, tlsrpt_report_t, start, set_time),
    VALUE("end-datetime", END, END, tlsrpt_report_t, end, set_time)
};

static const tlsrpt_member_t  item_members[] = {
    OPENS("policy", POLICY, TLSRPT_NODE_POLICY, 0, NULL, NULL),
    OPENS("summary", SUMMARY, TLSRPT_NODE_SUMMARY, 0, NULL, NULL),
    OPENS("failure-details", DETAILS, 0, TLSRPT_NODE_DETAILS, set_empty, NULL),
    OPENS("failure_details", DETAILS, 0, TLSRPT_NODE_DETAILS, set_empty,
          "failure-details")
};

static const tlsrpt_member_t  policy_members[] = {
    VALUE("policy-type", TYPE, TYPE, tlsrpt_applied_policy_t, policy_type,
          set_keyword),
    LIST("policy-string", STRING, STRING, POLICY_STRING,
         tlsrpt_set_policy_string, NULL),
    VALUE("policy-domain", DOMAIN, DOMAIN, tlsrpt_applied_policy_t,
          policy_domain, set_policy_domain),
    LIST("mx-host", MX_HOST, MX_HOST, MX_HOST, tlsrpt_set_mx_host, NULL),
    LIST("mx-host-pattern", MX_HOST, MX_HOST_PATTERN, MX_HOST,
         tlsrpt_set_mx_host, "mx-host")
};

static const tlsrpt_member_t  summary_members[] = {
    COUNTS("total-successful-session-count", SUCCESSFUL, SUCCESSFUL,
           tlsrpt_applied_policy_t, successful),
    COUNTS("total-failure-session-count", FAILURE, FAILURE,
           tlsrpt_applied_policy_t, failed)
};

static const tlsrpt_member_t  detail_members[] = {
    VALUE("result-type", RESULT, RESULT, tlsrpt_detail_t, result_type,
          set_keyword),
    VALUE("sending-mta-ip", SENDING_IP, SENDING_IP, tlsrpt_detail_t,
          sending_mta_ip, set_ip),
    VALUE("receiving-mx-hostname", MX, MX, tlsrpt_detail_t,
          receiving_mx_hostname, set_host),
    VALUE("receiving-mx-helo", HELO, HELO, tlsrpt_detail_t, receiving_mx_helo,
          set_text),
    VALUE("receiving-ip", RECEIVING_IP, RECEIVING_IP, tlsrpt_detail_t,
          receiving_ip, set_ip),
    COUNTS("failed-session-count", COUNT, COUNT, tlsrpt_detail_t,
           failed_session_count),
    VALUE("additional-information", INFORMATION, INFORMATION, tlsrpt_detail_t,
          additional_information, set_text),
    VALUE("failure-reason-code", REASON, REASON, tlsrpt_detail_t,
          failure_reason_code, set_reason),
    ALIAS("receiving-mx-host-name", "receiving-mx-hostname", MX, MX_HOST_NAME,
          tlsrpt_detail_t, receiving_mx_hostname, set_host),
    ALIAS("additional-info-uri", "additional-information", INFORMATION,
          INFO_URI, tlsrpt_detail_t, additional_information, set_text)
};

/* The arrays' items have no name. */

#define ITEM(number, object, set)                                             \
    { { "", 0 }, 0, number, 0, object, 0, 0, set, NULL }

static const tlsrpt_member_t  top_item = ITEM(0, TLSRPT_NODE_REPORT, NULL);
static const tlsrpt_member_t  policies_item = ITEM(0, TLSRPT_NODE_ITEM, NULL);
static const tlsrpt_member_t  string_item = ITEM(CANON(STRING), 0,
                                                 tlsrpt_set_policy_string);
static const tlsrpt_member_t  mx_host_item = ITEM(CANON(MX_HOST), 0,
                                                  tlsrpt_set_mx_host);
static const tlsrpt_member_t  details_item = ITEM(0, TLSRPT_NODE_DETAIL, NULL);

#define OBJECT(members)  { 0, members, sizeof(members) / sizeof(members[0]) }
#define ARRAY(item)      { 1, &item, 1 }

const tlsrpt_node_t  tlsrpt_nodes[TLSRPT_NNODES] = {
    [TLSRPT_NODE_TOP]           = ARRAY(top_item),
    [TLSRPT_NODE_REPORT]        = OBJECT(report_members),
    [TLSRPT_NODE_DATE_RANGE]    = OBJECT(date_range_members),
    [TLSRPT_NODE_POLICIES]      = ARRAY(policies_item),
    [TLSRPT_NODE_ITEM]          = OBJECT(item_members),
    [TLSRPT_NODE_POLICY]        = OBJECT(policy_members),
    [TLSRPT_NODE_POLICY_STRING] = ARRAY(string_item),
    [TLSRPT_NODE_MX_HOST]       = ARRAY(mx_host_item),
    [TLSRPT_NODE_SUMMARY]       = OBJECT(summary_members),
    [TLSRPT_NODE_DETAILS]       = ARRAY(details_item),
    [TLSRPT_NODE_DETAIL]        = OBJECT(detail_members)
};
