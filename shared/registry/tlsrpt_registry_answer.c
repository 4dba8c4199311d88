/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_registry_answer.h"
#include "tlsrpt_time.h"


/* The URIs of a record, with the token of the domain. */
typedef struct {
    tlsrpt_dns_domain_t  dns;
    char                 uris[TLSRPT_MAX_RUA][TLSRPT_URI_SIZE];
} records_t;


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, strlen(text) };
}


/* Not tlsrpt_str_json(): nothing may stand for it where memory is short. */

static json_t *
text_json(tlsrpt_str_t text)
{
    return text.data ? json_stringn(text.data, text.len) : json_null();
}


/*
 * The policy
 */

int
tlsrpt_served_of(tlsrpt_served_t *served, const mta_sts_policy_t *policy)
{
    json_t  *mx = json_array();

    memset(served, 0, sizeof(*served));

    for (size_t i = 0; i < policy->nmx; i++) {
        if (json_array_append_new(mx, json_string(policy->mx[i])) != 0) {
            json_decref(mx);
            return -1;
        }
    }

    served->is_served = 1;
    served->mode = policy->mode;
    mta_sts_policy_id(policy, served->id);
    served->json = json_pack("{s:s, s:I, s:o}", "mode",
                             mta_sts_mode_name(policy->mode), "max-age",
                             (json_int_t) policy->max_age, "mx", mx);

    return served->json ? 0 : -1;
}


/* Of one that waits: that of the time when it is proved. */

int
tlsrpt_served_read(tlsrpt_served_t *served, const tlsrpt_enrolment_t *e,
    const tlsrpt_enrolment_t *other, int64_t now)
{
    mta_sts_policy_t     policy;
    tlsrpt_enrolment_t   proved = *e;

    memset(served, 0, sizeof(*served));

    if (tlsrpt_enrolment_follows(e)) {
        return tlsrpt_enrolment_is_led(e, other)
               && tlsrpt_enrolment_policy(other, now, &policy)
               ? tlsrpt_served_of(served, &policy) : 0;
    }

    if (e->state == TLSRPT_PENDING) {
        proved.state = TLSRPT_ACTIVE;
    }

    return tlsrpt_enrolment_policy(&proved, now, &policy)
           ? tlsrpt_served_of(served, &policy) : 0;
}


void
tlsrpt_served_free(tlsrpt_served_t *served)
{
    json_decref(served->json);
    memset(served, 0, sizeof(*served));
}


/*
 * Addresses
 */

/* LOCATION/TOKEN; 0: too long. */

static size_t
put_https(tlsrpt_str_t uri, tlsrpt_str_t token, char *buf)
{
    int  n = snprintf(buf, TLSRPT_URI_SIZE, "%.*s%s%.*s", (int) uri.len,
                      uri.data, uri.data[uri.len - 1] == '/' ? "" : "/",
                      (int) token.len, token.data);

    return n < TLSRPT_URI_SIZE ? (size_t) n : 0;
}


/* local+TOKEN@host of an address, of which what follows "?" is left out. */

static size_t
put_address(tlsrpt_str_t address, tlsrpt_str_t token, char *buf)
{
    int          n;
    size_t       len = 0, local;
    const char  *at;

    while (len < address.len && address.data[len] != '?') {
        len++;
    }

    at = memchr(address.data, '@', len);

    if (at == NULL) {
        return 0;
    }

    local = (size_t) (at - address.data);
    n = snprintf(buf, TLSRPT_URI_SIZE, "%.*s+%.*s%.*s", (int) local,
                 address.data, (int) token.len, token.data,
                 (int) (len - local), at);

    return n < TLSRPT_URI_SIZE ? (size_t) n : 0;
}


static size_t
put_mailto(tlsrpt_str_t uri, tlsrpt_str_t token, char *buf)
{
    const size_t  n = sizeof("mailto:") - 1;
    tlsrpt_str_t  address = { uri.data + n, uri.len - n };
    char          text[TLSRPT_URI_SIZE];
    size_t        len = put_address(address, token, text);

    if (len == 0 || len + n >= TLSRPT_URI_SIZE) {
        return 0;
    }

    memcpy(buf, "mailto:", n);
    memcpy(buf + n, text, len + 1);

    return n + len;
}


static int
is_https(tlsrpt_str_t uri)
{
    return tlsrpt_str_begins_in_any_case(uri, "https:");
}


static int
is_mailto(tlsrpt_str_t uri)
{
    return tlsrpt_str_begins_in_any_case(uri, "mailto:");
}


size_t
tlsrpt_report_uri(const tlsrpt_provider_t *provider, tlsrpt_str_t token,
    char *buf)
{
    for (size_t i = 0; i < provider->nuris; i++) {
        if (is_https(provider->uris[i])) {
            return put_https(provider->uris[i], token, buf);
        }
    }

    return 0;
}


size_t
tlsrpt_report_address(const tlsrpt_provider_t *provider, tlsrpt_str_t token,
    char *buf)
{
    const size_t  n = sizeof("mailto:") - 1;

    for (size_t i = 0; i < provider->nuris; i++) {
        tlsrpt_str_t  uri = provider->uris[i];

        if (is_mailto(uri)) {
            return put_address((tlsrpt_str_t) { uri.data + n, uri.len - n },
                               token, buf);
        }
    }

    return 0;
}


/*
 * Records
 */

/* What is to be published of it; records: borrowed by what is in it. */

static void
fill(records_t *records, const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served, const tlsrpt_provider_t *provider)
{
    tlsrpt_dns_domain_t  *dns = &records->dns;

    memset(dns, 0, sizeof(*dns));
    dns->domain = domain;
    dns->verify = e->value;
    dns->zone = provider->zone;

    if (served->is_served) {
        dns->policy_id = str(served->id);
        dns->mode = served->mode;
        dns->same_as = tlsrpt_enrolment_follows(e) ? e->same_as
                                                   : (tlsrpt_str_t) { 0 };
    }

    for (size_t i = 0; i < provider->nuris && dns->nrua < TLSRPT_MAX_RUA; i++) {
        tlsrpt_str_t  uri = provider->uris[i];
        char         *buf = records->uris[dns->nrua];
        size_t        len = is_https(uri) ? put_https(uri, e->token, buf)
                            : is_mailto(uri) ? put_mailto(uri, e->token, buf)
                            : 0;

        if (len) {
            dns->rua[dns->nrua++] = (tlsrpt_str_t) { buf, len };
        }
    }
}


/* NULL: no memory. */

static json_t *
records_json(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served, const tlsrpt_provider_t *provider,
    json_t *(*make)(const tlsrpt_dns_domain_t *))
{
    json_t     *json = NULL;
    records_t  *records = malloc(sizeof(*records));

    if (records != NULL) {
        fill(records, e, domain, served, provider);
        json = make(&records->dns);
        free(records);
    }

    return json;
}


/*
 * One domain
 */

static json_t *
time_json(int64_t seconds)
{
    char  text[TLSRPT_TIME_TEXT_LEN + 1];

    tlsrpt_time_text(seconds, text);

    return json_string(text);
}


/* When what is said of it is over by time alone; 0: never. */

static int64_t
ends_of(const tlsrpt_enrolment_t *e)
{
    if (e->state == TLSRPT_PENDING) {
        return e->since + TLSRPT_PENDING_SECONDS;
    }

    if (e->state == TLSRPT_LEAVING) {
        return e->ends;
    }

    return e->mode == -1 && e->same_as.data == NULL ? e->held : 0;
}


static int
put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}


json_t *
tlsrpt_enrolment_line(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served)
{
    json_t  *json;

    json = json_pack("{s:s%, s:s, s:o, s:o}", "domain", domain.data, domain.len,
                     "state", tlsrpt_enrolment_state_name(e->state), "owner",
                     text_json(e->owner), "since", time_json(e->since));

    if ((ends_of(e) && put(json, "ends", time_json(ends_of(e))))
        || put(json, "id", served->is_served ? json_string(served->id)
                                             : json_null())
        || (e->same_as.data
            && put(json, "same-as", text_json(e->same_as))))
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


static tlsrpt_str_t
address(const char *text, size_t len)
{
    return (tlsrpt_str_t) { len ? text : NULL, len };
}


static int
put_addresses(json_t *json, const tlsrpt_enrolment_t *e,
    const tlsrpt_provider_t *provider)
{
    char    buf[TLSRPT_URI_SIZE];
    size_t  len = tlsrpt_report_uri(provider, e->token, buf);

    if (put(json, "report-uri", text_json(address(buf, len)))) {
        return -1;
    }

    len = tlsrpt_report_address(provider, e->token, buf);

    return put(json, "report-address", text_json(address(buf, len)));
}


static json_t *
verification_json(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain)
{
    char  name[sizeof("_tlsrpt-verify.") + TLSRPT_DOMAIN_LEN];

    snprintf(name, sizeof(name), "_tlsrpt-verify.%.*s", (int) domain.len,
             domain.data);

    return json_pack("{s:s, s:s%}", "name", name, "value", e->value.data,
                     e->value.len);
}


static json_t *
contact_json(const tlsrpt_enrolment_t *e)
{
    json_t  *list = json_array();

    for (size_t i = 0; i < e->ncontact; i++) {
        if (json_array_append_new(list, text_json(e->contact[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


json_t *
tlsrpt_enrolment_json(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    const tlsrpt_served_t *served, const tlsrpt_provider_t *provider)
{
    json_t  *json = tlsrpt_enrolment_line(e, domain, served);
    json_t  *records = records_json(e, domain, served, provider,
                                    tlsrpt_dns_records);

    if (json == NULL || records == NULL
        || put_addresses(json, e, provider)
        || put(json, "verification", verification_json(e, domain))
        || json_object_set(json, "records",
                           json_object_get(records, "records"))
        || put(json, "policy", served->json ? json_incref(served->json)
                                            : json_null())
        || (e->ncontact && put(json, "contact", contact_json(e))))
    {
        json_decref(json);
        json = NULL;
    }

    json_decref(records);

    return json;
}


/*
 * Elsewhere
 */

static int
append(const char *text, size_t len, void *out)
{
    tlsrpt_buf_add(out, text, len);

    return 0;
}


static int
put_policy(json_t *json, const tlsrpt_enrolment_t *e)
{
    json_t  *mx = json_array();

    for (size_t i = 0; i < e->nmx; i++) {
        if (json_array_append_new(mx, text_json(e->mx[i])) != 0) {
            json_decref(mx);
            return -1;
        }
    }

    return put(json, "mode", json_string(mta_sts_mode_name(e->mode)))
           || put(json, "max-age", json_integer(e->max_age))
           ? (json_decref(mx), -1) : put(json, "mx", mx);
}


int
tlsrpt_enrolment_export(const tlsrpt_enrolment_t *e, tlsrpt_str_t domain,
    tlsrpt_buf_t *out)
{
    int      rc;
    json_t  *json;

    if (e->state == TLSRPT_LEAVING) {
        return 0;
    }

    json = json_pack("{s:s%, s:s%, s:s%}", "domain", domain.data, domain.len,
                     "token", e->token.data, e->token.len, "verification",
                     e->value.data, e->value.len);

    rc = json == NULL
         || (e->owner.data && put(json, "owner", text_json(e->owner)))
         || (e->state == TLSRPT_ACTIVE && put(json, "verified", json_true()))
         || (e->mode != -1 && put_policy(json, e))
         || (e->same_as.data
             && put(json, "same-as", text_json(e->same_as)))
         || (e->ncontact && put(json, "contact", contact_json(e)))
         || json_dump_callback(json, append, out, JSON_COMPACT);

    tlsrpt_buf_add(out, "\n", 1);
    json_decref(json);

    return rc || out->failed ? -1 : 0;
}


/*
 * The provider's zone
 */

int
tlsrpt_zone_begin(const tlsrpt_provider_t *provider, uint64_t serial,
    tlsrpt_buf_t *out)
{
    char  text[512];

    tlsrpt_buf_add(out, text, (size_t) snprintf(text, sizeof(text),
        "; Records of enrolled domains, version %llu.  To be included in the\n"
        "; zone of %.*s, which has its SOA and NS records, and the addresses\n"
        "; of mta-sts.%.*s.\n$TTL 300\n", (unsigned long long) serial,
        (int) provider->zone.len, provider->zone.data,
        (int) provider->zone.len, provider->zone.data));

    return out->failed ? -1 : 0;
}


int
tlsrpt_zone_add(const tlsrpt_provider_t *provider, const tlsrpt_enrolment_t *e,
    tlsrpt_str_t domain, const tlsrpt_served_t *served, tlsrpt_buf_t *out)
{
    char    *text;
    size_t   len = 0;
    json_t  *json = records_json(e, domain, served, provider,
                                 tlsrpt_dns_behind);

    text = json ? tlsrpt_dns_zone(json, &len) : NULL;
    tlsrpt_buf_add(out, text, len);
    json_decref(json);
    free(text);

    return text == NULL || out->failed ? -1 : 0;
}
