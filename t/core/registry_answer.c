/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is answered of an enrolled domain: its JSON with the records to publish,
 * its line for another installation, its part of the provider's zone.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_registry.h"

#define TOKEN   "aaaaaaaaaaaaaaaaaaaaaaaaaa"
#define VALUE   "bbbbbbbbbbbbbbbbbbbbbbbbbb"
#define POLICY  "\"mode\":\"enforce\",\"max-age\":604800,"                    \
                "\"mx\":[\"mx.example.com\"]"
#define T0      INT64_C(1800000000)


static tlsrpt_str_t
str(const char *text)
{
    return (tlsrpt_str_t) { text, text ? strlen(text) : 0 };
}


/* A record whose one enrolment has these members, too; pending where it has no
   state. */

static tlsrpt_registry_record_t *
record_of(const char *members)
{
    int                        broken;
    char                       text[1024];
    const char                *holder = strstr(members, "\"state\"");
    tlsrpt_registry_record_t  *record;

    snprintf(text, sizeof(text), "3 {\"v\":1,%s{\"token\":\"" TOKEN
             "\",\"value\":\"" VALUE "\",\"since\":1800000000%s}%s}",
             holder ? "\"holder\":" : "\"pending\":[", members,
             holder ? "" : "]");
    record = tlsrpt_registry_record_read(text, strlen(text), &broken);

    if (record == NULL) {
        printf("# %s\n", text);
        abort();
    }

    return record;
}


static tlsrpt_enrolment_t *
first(const tlsrpt_registry_record_t *record)
{
    return record->holder ? record->holder : record->pending[0];
}


/* "NAME HOST TYPE VALUE ORDER" of a record. */

static const char *
nth(const json_t *json, size_t n)
{
    static char  text[4][1024];
    static int   i;
    json_t      *r = json_array_get(json_object_get(json, "records"), n);

    i = (i + 1) % 4;
    text[i][0] = '\0';

    if (r != NULL) {
        snprintf(text[i], sizeof(text[i]), "%s %s %s %s %lld",
                 json_string_value(json_object_get(r, "name")),
                 json_string_value(json_object_get(r, "host")),
                 json_string_value(json_object_get(r, "type")),
                 json_string_value(json_object_get(r, "value")),
                 (long long) json_integer_value(json_object_get(r, "order")));
    }

    return text[i];
}


static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}


static json_t *
answer(const char *members, const char *domain,
    const tlsrpt_registry_record_t *other, const tlsrpt_provider_t *provider,
    int64_t now)
{
    json_t                    *json;
    tlsrpt_served_t            served;
    tlsrpt_registry_record_t  *record = record_of(members);

    if (tlsrpt_served_read(&served, first(record), other ? other->holder : NULL,
                           now) != 0)
    {
        abort();
    }

    json = tlsrpt_enrolment_json(first(record), str(domain), &served, provider);
    tlsrpt_served_free(&served);
    tlsrpt_registry_record_destroy(record);

    return json;
}


static const tlsrpt_str_t  uris[] = {
    { "mailto:tls@r.example?subject=x", 30 },
    { "https://r.example/v1/tlsrpt", 27 },
};
static const tlsrpt_provider_t  here = { uris, 2, { NULL, 0 } };


static void
test_pending(void)
{
    json_t  *json = answer(",\"owner\":\"a\"," POLICY, "mail.example.co.uk",
                           NULL, &here, T0);

    is_str(text_of(json, "domain"), "mail.example.co.uk", "a pending domain");
    is_str(text_of(json, "state"), "pending", "which waits");
    is_str(text_of(json, "owner"), "a", "whose it is");
    is_str(text_of(json, "since"), "2027-01-15T08:00:00Z", "since when");
    is_str(text_of(json, "ends"), "2027-01-29T08:00:00Z", "until when");
    is_str(text_of(json, "report-uri"), "https://r.example/v1/tlsrpt/" TOKEN,
           "its report URI");
    is_str(text_of(json, "report-address"), "tls+" TOKEN "@r.example",
           "its report address");
    is_str(text_of(json_object_get(json, "verification"), "name"),
           "_tlsrpt-verify.mail.example.co.uk", "what proves it");
    is_str(text_of(json_object_get(json, "verification"), "value"), VALUE,
           "by its value");
    is_str(nth(json, 0), "_tlsrpt-verify.mail.example.co.uk "
           "_tlsrpt-verify.mail TXT " VALUE " 1", "which is a record");
    is_str(nth(json, 1), "_smtp._tls.mail.example.co.uk _smtp._tls.mail TXT "
           "v=TLSRPTv1; rua=mailto:tls+" TOKEN "@r.example,"
           "https://r.example/v1/tlsrpt/" TOKEN " 2", "that of reporting");
    is_str(nth(json, 2), "mta-sts.mail.example.co.uk mta-sts.mail CNAME "
           "r.example. 3", "the host of the policy");
    ok(strstr(nth(json, 3), "_mta-sts.mail.example.co.uk _mta-sts.mail TXT "
              "v=STSv1; id=") != NULL, "the policy's, which is the last");
    is_str(text_of(json_object_get(json, "policy"), "mode"), "enforce",
           "the policy that will be served");
    ok(strstr(nth(json, 3), text_of(json, "id")) != NULL, "and its id");
    json_decref(json);

    json = answer("", "example.com", NULL, &here, T0);
    ok(json_is_null(json_object_get(json, "owner")), "the operator's");
    ok(json_is_null(json_object_get(json, "policy"))
       && json_is_null(json_object_get(json, "id")), "without a policy");
    is_str(nth(json, 2), "", "has two records");
    json_decref(json);
}


static void
test_held(void)
{
    json_t                    *json;
    tlsrpt_provider_t          nowhere = { NULL, 0, { NULL, 0 } };
    tlsrpt_registry_record_t  *other;

    json = answer(",\"state\":\"active\"," POLICY, "example.com", NULL,
                  &nowhere, T0);
    is_str(text_of(json, "state"), "active", "an active one");
    ok(json_object_get(json, "ends") == NULL, "has no end");
    ok(json_is_null(json_object_get(json, "report-uri"))
       && json_is_null(json_object_get(json, "report-address")),
       "no address is known here");
    json_decref(json);

    json = answer(",\"state\":\"leaving\",\"ends\":1800000100", "example.com",
                  NULL, &here, T0);
    is_str(text_of(json, "state"), "leaving", "a leaving one");
    is_str(text_of(json, "ends"), "2027-01-15T08:01:40Z", "until then");
    is_str(text_of(json_object_get(json, "policy"), "mode"), "none",
           "serves none");
    is_int(json_integer_value(json_object_get(json_object_get(json, "policy"),
                                              "max-age")), 86400,
           "for a day (RFC 8461 8.3)");
    json_decref(json);

    other = record_of(",\"state\":\"active\"," POLICY);
    json = answer(",\"state\":\"active\",\"same-as\":\"other.example\"",
                  "example.com", other, &here, T0);
    is_str(text_of(json, "same-as"), "other.example", "one that is the same");
    is_str(text_of(json_object_get(json, "policy"), "mode"), "enforce",
           "has the other's policy");
    is_str(nth(json, 2), "mta-sts.example.com mta-sts CNAME "
           "mta-sts.other.example. 3", "its host");
    is_str(nth(json, 3), "_mta-sts.example.com _mta-sts CNAME "
           "_mta-sts.other.example. 4", "and its id (RFC 8461 8.2)");
    ok(strstr(nth(json, 1), TOKEN) != NULL, "but its own token");
    json_decref(json);
    tlsrpt_registry_record_destroy(other);
}


static void
test_zone(void)
{
    json_t                    *json;
    tlsrpt_buf_t               buf = { NULL, 0, 0, 0 };
    tlsrpt_served_t            served;
    tlsrpt_provider_t          provider = { uris, 2, str("p.example") };
    tlsrpt_registry_record_t  *record = record_of(",\"state\":\"active\","
                                                  POLICY);

    json = answer(",\"state\":\"active\"," POLICY, "example.com", NULL,
                  &provider, T0);
    is_str(nth(json, 0), "_tlsrpt-verify.example.com _tlsrpt-verify TXT " VALUE
           " 1", "with a zone of the provider's: the proof stays");
    is_str(nth(json, 1), "_smtp._tls.example.com _smtp._tls CNAME "
           "example.com._smtp._tls.p.example. 2", "the others are aliases");
    is_str(nth(json, 2), "mta-sts.example.com mta-sts CNAME mta-sts.p.example."
           " 3", "the host");
    is_str(nth(json, 3), "_mta-sts.example.com _mta-sts CNAME "
           "example.com._mta-sts.p.example. 4", "the id");
    json_decref(json);

    is_int(tlsrpt_served_read(&served, record->holder, NULL, T0), 0,
           "its policy");
    is_int(tlsrpt_zone_begin(&provider, 7, &buf), 0, "the zone begins");
    is_int(tlsrpt_zone_add(&provider, record->holder, str("example.com"),
                           &served, &buf), 0, "and has the domain's");
    tlsrpt_buf_add(&buf, "", 1);
    ok(strstr(buf.data, "\nexample.com._smtp._tls.p.example. 3600 IN TXT "
              "\"v=TLSRPTv1; rua=mailto:tls+" TOKEN) != NULL, "reporting");
    ok(strstr(buf.data, "\nexample.com._mta-sts.p.example. 3600 IN TXT "
              "\"v=STSv1; id=") != NULL, "the id");
    ok(strstr(buf.data, "CNAME") == NULL && strstr(buf.data, VALUE) == NULL,
       "nothing else");
    tlsrpt_buf_free(&buf);
    tlsrpt_served_free(&served);
    tlsrpt_registry_record_destroy(record);
}


static void
test_export(void)
{
    static tlsrpt_enrol_body_t   body;
    size_t                       before;
    json_t                      *json;
    char                        *text;
    tlsrpt_buf_t                 buf = { NULL, 0, 0, 0 };
    tlsrpt_enrol_error_t         error;
    tlsrpt_registry_record_t    *record;

    record = record_of(",\"owner\":\"a\",\"state\":\"active\"," POLICY
                       ",\"contact\":[\"a@example.com\"]");
    is_int(tlsrpt_enrolment_export(record->holder, str("example.com"), &buf), 0,
           "a line for elsewhere");
    ok(buf.len && buf.data[buf.len - 1] == '\n', "which ends");
    json = json_loadb(buf.data, buf.len, 0, NULL);
    is_str(text_of(json, "domain"), "example.com", "of the domain");
    json_object_del(json, "domain");
    text = json_dumps(json, 0);
    is_int(tlsrpt_enrol_body_read(text, strlen(text), &body, &error), 0,
           "the rest is the body of a PUT");
    is_str(body.owner, "a", "with its owner");
    is_str(body.token, TOKEN, "its token");
    ok(body.verified, "proved");
    is_str(body.policy.mx[0], "mx.example.com", "its policy");
    is_str(body.contact[0], "a@example.com", "its contact");
    free(text);
    json_decref(json);
    tlsrpt_registry_record_destroy(record);

    before = buf.len;
    record = record_of(",\"state\":\"leaving\",\"ends\":1800000100");
    is_int(tlsrpt_enrolment_export(record->holder, str("example.com"), &buf), 0,
           "of one that leaves");
    is_int((long long) (buf.len - before), 0, "there is none");
    tlsrpt_registry_record_destroy(record);
    tlsrpt_buf_free(&buf);
}


int
main(void)
{
    test_pending();
    test_held();
    test_zone();
    test_export();

    return done();
}
