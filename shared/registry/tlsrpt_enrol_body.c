/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mta_sts_reason.h"
#include "tlsrpt_enrol_body.h"


typedef struct {
    const json_t          *json;
    tlsrpt_enrol_body_t   *body;
    tlsrpt_enrol_error_t  *error;
    unsigned               status;          /* of the first error; 0: none */
} reader_t;

typedef void (*member_pt)(reader_t *r, const char *name, const json_t *value);

typedef struct {
    const char  *name;
    member_pt    read;
} member_t;


static void TLSRPT_PRINTF(3, 4)
refuse(reader_t *r, const char *member, const char *fmt, ...)
{
    va_list  args;

    if (r->status) {
        return;
    }

    r->status = 422;
    snprintf(r->error->member, sizeof(r->error->member), "%s", member);

    va_start(args, fmt);
    vsnprintf(r->error->text, sizeof(r->error->text), fmt, args);
    va_end(args);
}


static tlsrpt_str_t
text_of(const json_t *value)
{
    return (tlsrpt_str_t) { json_string_value(value),
                            json_string_length(value) };
}


/*
 * Members
 */

static void
read_mode(reader_t *r, const char *name, const json_t *value)
{
    const char    *reason;
    tlsrpt_str_t   text = text_of(value);

    if (text.data == NULL) {
        refuse(r, name, "\"mode\" must be \"enforce\", \"testing\" or "
               "\"none\"");

    } else if (mta_sts_policy_set_mode(&r->body->policy, text.data, text.len,
                                       &reason) != 0)
    {
        refuse(r, name, "%s", reason);
    }
}


static void
read_max_age(reader_t *r, const char *name, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0
        || json_integer_value(value) > MTA_STS_MAX_AGE)
    {
        refuse(r, name, "\"max-age\" must be a whole number of seconds from 0 "
               "to %d (RFC 8461 3.2)", MTA_STS_MAX_AGE);
        return;
    }

    r->body->policy.max_age = (uint32_t) json_integer_value(value);
}


static void
read_mx(reader_t *r, const char *name, const json_t *list)
{
    char          member[32];
    const char   *reason;
    tlsrpt_str_t  text;

    if (!json_is_array(list)) {
        refuse(r, name, "\"mx\" must be a list of host names");
        return;
    }

    for (size_t i = 0; i < json_array_size(list) && r->status == 0; i++) {
        text = text_of(json_array_get(list, i));
        snprintf(member, sizeof(member), "mx[%zu]", i);

        if (text.data == NULL) {
            refuse(r, member, "\"%s\" must be the name of a host", member);

        } else if (mta_sts_policy_add_mx(&r->body->policy, text.data, text.len,
                                         &reason) != 0)
        {
            refuse(r, member, "%s", reason);
        }
    }
}


static void
read_same_as(reader_t *r, const char *name, const json_t *value)
{
    tlsrpt_str_t  text = text_of(value);

    if (text.data == NULL
        || tlsrpt_domain_normalize(text.data, text.len, r->body->same_as) == 0)
    {
        r->body->same_as[0] = '\0';
        refuse(r, name, "\"same-as\" must be the name of a domain");
    }
}


/* One that needs no quotes (RFC 5321 4.1.2: Dot-string): nothing in it can mean
   anything where it is written. */

static int
is_plain_address(tlsrpt_str_t text)
{
    char         domain[TLSRPT_DOMAIN_LEN + 1];
    const char  *at = memchr(text.data, '@', text.len);

    if (at == NULL || at == text.data || at - text.data > 64
        || text.len > TLSRPT_CONTACT_LEN || text.data[0] == '.'
        || at[-1] == '.')
    {
        return 0;
    }

    for (const char *p = text.data; p < at; p++) {
        if (!tlsrpt_is_alnum(*p)
            && (*p == '\0' || strchr("!#$%&'*+-/=?^_`{|}~.", *p) == NULL))
        {
            return 0;
        }
    }

    at++;

    return at < text.data + text.len && !tlsrpt_is_space(*at)
           && !tlsrpt_is_space(text.data[text.len - 1])
           && tlsrpt_domain_normalize(at, (size_t) (text.data + text.len - at),
                                      domain) != 0;
}


static void
read_contact(reader_t *r, const char *name, const json_t *list)
{
    char                  member[32];
    tlsrpt_str_t          text;
    tlsrpt_enrol_body_t  *body = r->body;

    if (!json_is_array(list)
        || json_array_size(list) > TLSRPT_ENROLMENT_CONTACTS)
    {
        refuse(r, name, "\"contact\" must be a list of at most %d addresses",
               TLSRPT_ENROLMENT_CONTACTS);
        return;
    }

    for (size_t i = 0; i < json_array_size(list); i++) {
        text = text_of(json_array_get(list, i));

        if (text.data == NULL || !is_plain_address(text)) {
            snprintf(member, sizeof(member), "contact[%zu]", i);
            refuse(r, member, "\"%s\" must be a mail address, such as "
                   "postmaster@example.com", member);
            return;
        }

        memcpy(body->contact[body->ncontact], text.data, text.len);
        body->contact[body->ncontact++][text.len] = '\0';
    }
}


static void
read_verified(reader_t *r, const char *name, const json_t *value)
{
    if (!json_is_true(value)) {
        refuse(r, name, "\"verified\" can only be true");
        return;
    }

    r->body->verified = 1;
}


static void
read_owner(reader_t *r, const char *name, const json_t *value)
{
    tlsrpt_str_t  text = text_of(value);

    if (text.data == NULL || !tlsrpt_owner_is_valid(text)) {
        refuse(r, name, "\"owner\" must be 1 to %d characters of visible "
               "ASCII", TLSRPT_OWNER_LEN);
        return;
    }

    memcpy(r->body->owner, text.data, text.len);
    r->body->owner[text.len] = '\0';
}


static void
read_token(reader_t *r, const char *name, const json_t *value)
{
    tlsrpt_str_t  text = text_of(value);

    if (text.data == NULL || !tlsrpt_token_read(text, r->body->token)) {
        r->body->token[0] = '\0';
        refuse(r, name, "\"token\" must be %d characters of a-z and 2-7",
               TLSRPT_TOKEN_LEN);
    }
}


static void
read_value(reader_t *r, const char *name, const json_t *value)
{
    tlsrpt_str_t  text = text_of(value);

    if (text.data == NULL || !tlsrpt_token_read(text, r->body->value)) {
        r->body->value[0] = '\0';
        refuse(r, name, "\"verification\" must be %d characters of a-z and "
               "2-7", TLSRPT_TOKEN_LEN);
    }
}


static const member_t  members[] = {
    { "mode",     read_mode },
    { "max-age",  read_max_age },
    { "mx",       read_mx },
    { "contact",  read_contact },
    { "same-as",  read_same_as },
    { "verified", read_verified },
    { "owner",    read_owner },
    { "token",    read_token },
    { "verification", read_value },
};

#define NMEMBERS  (sizeof(members) / sizeof(members[0]))


static void
read_member(reader_t *r, const char *name, const json_t *value)
{
    char  shown[MTA_STS_QUOTE_LEN];

    for (size_t i = 0; i < NMEMBERS; i++) {
        if (strcmp(members[i].name, name) == 0) {
            if (!json_is_null(value)) {
                members[i].read(r, name, value);
            }

            return;
        }
    }

    (void) mta_sts_quote(name, strlen(name), shown);
    refuse(r, shown, "there is no member \"%s\": those that are known are "
           "mode, max-age, mx, contact and same-as, and the operator's "
           "verified, owner, token and verification", shown);
}


/*
 * The whole
 */

static int
is_given(const reader_t *r, const char *name)
{
    const json_t  *value = json_object_get(r->json, name);

    return value != NULL && !json_is_null(value);
}


static void
take_remark(void *ctx, int is_error, size_t at, const char *section,
    const char *message)
{
    (void) at;

    if (is_error) {
        refuse(ctx, "mx", "%s (%s)", message, section);
    }
}


static void
check_policy(reader_t *r)
{
    if (r->body->same_as[0]
        && (is_given(r, "mode") || is_given(r, "max-age") || is_given(r, "mx")))
    {
        refuse(r, "same-as", "\"same-as\" takes the policy of another domain: "
               "mode, max-age and mx cannot stand beside it");
        return;
    }

    if (r->body->policy.mode == -1) {
        if (is_given(r, "max-age") || is_given(r, "mx")) {
            refuse(r, "mode", "a policy needs a \"mode\" (RFC 8461 3.2)");
        }

        return;
    }

    if (!is_given(r, "max-age")) {
        refuse(r, "max-age", "a policy needs a \"max-age\" (RFC 8461 3.2)");
        return;
    }

    if (mta_sts_policy_check(&r->body->policy, take_remark, r) != 0) {
        refuse(r, "mx", "this is no valid policy (RFC 8461 3.2)");
    }
}


static unsigned
fail(tlsrpt_enrol_error_t *error, unsigned status, const char *text)
{
    error->member[0] = '\0';
    snprintf(error->text, sizeof(error->text), "%s", text);

    return status;
}


static unsigned
fail_json(tlsrpt_enrol_error_t *error, const json_error_t *json)
{
    char  shown[MTA_STS_QUOTE_LEN];

    if (json_error_code(json) == json_error_out_of_memory) {
        return fail(error, 503, "out of memory");
    }

    error->member[0] = '\0';
    snprintf(error->text, sizeof(error->text), "no JSON: %s (line %d, column "
             "%d)", mta_sts_quote(json->text, strlen(json->text), shown),
             json->line, json->column);

    return 400;
}


unsigned
tlsrpt_enrol_body_read(const char *text, size_t len, tlsrpt_enrol_body_t *body,
    tlsrpt_enrol_error_t *error)
{
    json_t        *json, *value;
    reader_t       r = { NULL, body, error, 0 };
    const char    *name;
    json_error_t   json_error;

    memset(body, 0, sizeof(*body));
    memset(error, 0, sizeof(*error));
    body->policy.mode = -1;

    if (len > TLSRPT_ENROL_BODY_SIZE) {
        return fail(error, 413, "the body has more than 32768 bytes");
    }

    json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_error);

    if (json == NULL) {
        return fail_json(error, &json_error);
    }

    if (!json_is_object(json)) {
        json_decref(json);
        return fail(error, 400, "the body must be a JSON object");
    }

    r.json = json;

    json_object_foreach(json, name, value) {
        read_member(&r, name, value);
    }

    check_policy(&r);
    json_decref(json);

    return r.status;
}


const char *
tlsrpt_enrol_body_of_operator(const tlsrpt_enrol_body_t *body)
{
    return body->verified ? "verified" : body->owner[0] ? "owner"
           : body->token[0] ? "token"
           : body->value[0] ? "verification" : NULL;
}
