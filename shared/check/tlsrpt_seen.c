/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_seen.h"
#include "tlsrpt_time.h"


/* What is served is told once a day; what was told no more for so long is not
   served any more. */
#define SERVED_SECONDS  (2 * TLSRPT_DAY)


/*
 * Members, of which none need be there
 */

static tlsrpt_str_t
text_of(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);
    tlsrpt_str_t   s = { json_string_value(value), json_string_length(value) };

    return s;
}


/* Times and counts; 0: none that could be one. */

static int64_t
number_of(const json_t *object, const char *name)
{
    const json_int_t  n = json_integer_value(json_object_get(object, name));

    return n > 0 && n < TLSRPT_TIME_END ? n : 0;
}


static tlsrpt_seen_bool_t
bool_of(const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);

    return json_is_true(value) ? TLSRPT_SEEN_YES
           : json_is_false(value) ? TLSRPT_SEEN_NO : TLSRPT_SEEN_UNKNOWN;
}


static size_t
texts_of(const json_t *object, const char *name, tlsrpt_str_t *list, size_t max)
{
    size_t         i, n = 0;
    const json_t  *value, *array = json_object_get(object, name);

    for (i = 0; i < json_array_size(array) && n < max; i++) {
        value = json_array_get(array, i);

        if (json_is_string(value)) {
            list[n].data = json_string_value(value);
            list[n++].len = json_string_length(value);
        }
    }

    return n;
}


/* NULL: it is no object, or too long. */

static json_t *
object_of(tlsrpt_str_t text)
{
    json_t  *json;

    if (text.len == 0 || text.len > TLSRPT_SEEN_SIZE) {
        return NULL;
    }

    json = json_loadb(text.data, text.len, 0, NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }

    return json;
}


/*
 * What was seen
 */

static void
read_look(tlsrpt_look_t *look, const tlsrpt_seen_t *seen, const char *name)
{
    const json_t  *o = json_object_get(seen->json, name);
    const json_t  *before = json_object_get(seen->json, "before");

    look->at = number_of(o, "at");
    look->since = number_of(o, "since");
    look->ad = bool_of(o, "ad");
    look->alias = text_of(o, "alias");
    look->error = text_of(o, "error");
    look->bogus = text_of(o, "bogus");
    look->ntxt = texts_of(o, "txt", look->txt, TLSRPT_SEEN_TXT);
    look->has_changed = json_is_array(json_object_get(before, name));
}


static void
read_hosts(tlsrpt_seen_t *seen)
{
    const json_t  *mx = json_object_get(seen->json, "mx");
    const json_t  *hosts = json_object_get(mx, "hosts");

    seen->is_null_mx = json_is_true(json_object_get(mx, "null"));

    for (size_t i = 0; i < json_array_size(hosts)
                       && seen->nhosts < TLSRPT_SEEN_HOSTS; i++)
    {
        const json_t      *o = json_array_get(hosts, i);
        tlsrpt_seen_mx_t  *host = &seen->hosts[seen->nhosts];

        host->host = text_of(o, "host");
        host->preference = (unsigned) number_of(o, "preference");
        seen->nhosts += host->host.len > 0;
    }
}


static void
read_chain(tlsrpt_seen_chain_t *tls, const json_t *o)
{
    const json_t  *chain = json_object_get(o, "chain");

    tls->nnames = texts_of(o, "names", tls->names, TLSRPT_SEEN_NAMES);

    for (size_t i = 0; i < json_array_size(chain)
                       && tls->nchain < TLSRPT_SEEN_CHAIN; i++)
    {
        const json_t               *c = json_array_get(chain, i);
        tlsrpt_seen_certificate_t  *to = &tls->chain[tls->nchain++];

        to->subject = text_of(c, "subject");
        to->issuer = text_of(c, "issuer");
        to->not_before = number_of(c, "not-before");
        to->not_after = number_of(c, "not-after");
    }
}


/* The first that was not ok. */

static const json_t *
first_bad(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t        *o = json_array_get(array, i);
        const tlsrpt_str_t   result = text_of(o, "result");

        if (result.len && !tlsrpt_str_is(result, "ok")
            && !tlsrpt_str_is(result, "unknown"))
        {
            return o;
        }
    }

    return NULL;
}


static void
read_policy(tlsrpt_seen_policy_t *policy, const json_t *o)
{
    const json_t  *agent = json_array_get(json_object_get(o, "agents"), 0);
    const json_t  *bad = first_bad(json_object_get(o, "by"));

    policy->at = number_of(o, "at");
    policy->since = number_of(o, "since");
    policy->result = text_of(o, "result");
    policy->detail = text_of(o, "detail");
    policy->type = text_of(o, "type");
    policy->status = (int) (number_of(o, "status") % 1000);
    policy->text = text_of(o, "text");
    policy->other_agent = text_of(agent, "agent");
    policy->other_result = text_of(agent, "result");
    policy->other_status = (int) (number_of(agent, "status") % 1000);
    policy->bad_address = text_of(bad, "address");
    policy->bad_result = text_of(bad, "result");
    read_chain(&policy->tls, o);
}


static void
read_server(tlsrpt_seen_server_t *server, const json_t *o)
{
    const json_t  *tlsa = json_object_get(o, "tlsa");
    const json_t  *verify = json_object_get(o, "verify");

    server->host = text_of(o, "host");
    server->address = text_of(o, "address");
    server->at = number_of(o, "at");
    server->since = number_of(o, "since");
    server->result = text_of(o, "result");
    server->detail = text_of(o, "detail");
    server->bogus = text_of(o, "bogus");
    server->verify = json_is_integer(verify)
                     ? (int) (json_integer_value(verify) & 0xffff) : -1;
    server->verify_text = text_of(o, "verify-text");
    server->tlsa_ad = bool_of(tlsa, "ad");
    server->tlsa_match = bool_of(tlsa, "match");
    server->ntlsa = texts_of(tlsa, "records", server->tlsa, TLSRPT_SEEN_TLSA);
    read_chain(&server->tls, o);
}


int
tlsrpt_seen_read(tlsrpt_str_t text, tlsrpt_seen_t *seen)
{
    const json_t  *servers;

    memset(seen, 0, sizeof(*seen));
    seen->json = object_of(text);

    if (seen->json == NULL) {
        return -1;
    }

    seen->at = number_of(seen->json, "at");
    seen->changed = number_of(seen->json, "changed");
    seen->dnssec = bool_of(seen->json, "dnssec");
    read_look(&seen->reporting, seen, "reporting");
    read_look(&seen->sts, seen, "sts");
    read_look(&seen->mx, seen, "mx");
    read_hosts(seen);
    read_policy(&seen->policy, json_object_get(seen->json, "policy"));
    servers = json_object_get(seen->json, "servers");

    for (size_t i = 0; i < json_array_size(servers)
                       && seen->nservers < TLSRPT_SEEN_SERVERS; i++)
    {
        read_server(&seen->servers[seen->nservers], json_array_get(servers, i));
        seen->nservers += seen->servers[seen->nservers].host.len > 0;
    }

    return 0;
}


void
tlsrpt_seen_free(tlsrpt_seen_t *seen)
{
    json_decref(seen->json);
    memset(seen, 0, sizeof(*seen));
}


const tlsrpt_seen_server_t *
tlsrpt_seen_server(const tlsrpt_seen_t *seen, tlsrpt_str_t host)
{
    for (size_t i = 0; i < seen->nservers; i++) {
        if (tlsrpt_str_equal(seen->servers[i].host, host)) {
            return &seen->servers[i];
        }
    }

    return NULL;
}


/*
 * What is served
 */

int
tlsrpt_versions_read(tlsrpt_str_t text, tlsrpt_versions_t *versions)
{
    const json_t  *list;

    memset(versions, 0, sizeof(*versions));
    versions->json = object_of(text);

    if (versions->json == NULL) {
        return -1;
    }

    list = json_object_get(versions->json, "versions");
    versions->nrua = texts_of(versions->json, "rua", versions->rua,
                              TLSRPT_SEEN_TXT);
    versions->ended = json_is_true(json_object_get(json_array_get(list, 0),
                                                   "ended"));

    for (size_t i = 0; i < json_array_size(list)
                       && versions->n < TLSRPT_SEEN_VERSIONS; i++)
    {
        const json_t      *o = json_array_get(list, i);
        tlsrpt_version_t  *v = &versions->list[versions->n++];

        v->id = text_of(o, "id");
        v->mode = mta_sts_mode(text_of(o, "mode"));
        v->max_age = number_of(o, "max-age");
        v->mx = json_object_get(o, "mx");
        v->first = number_of(o, "first");
        v->last = number_of(o, "last");
    }

    return 0;
}


void
tlsrpt_versions_free(tlsrpt_versions_t *versions)
{
    json_decref(versions->json);
    memset(versions, 0, sizeof(*versions));
}


const tlsrpt_version_t *
tlsrpt_versions_now(const tlsrpt_versions_t *versions, int64_t now)
{
    return versions->n && !versions->ended
           && versions->list[0].last >= now - SERVED_SECONDS
           ? &versions->list[0] : NULL;
}


int
tlsrpt_version_policy(const tlsrpt_version_t *version,
    mta_sts_policy_t *policy)
{
    const char  *reason;

    memset(policy, 0, sizeof(*policy));

    if (version->mode < 0 || version->max_age > MTA_STS_MAX_AGE) {
        return -1;
    }

    policy->mode = version->mode;
    policy->max_age = (uint32_t) version->max_age;

    for (size_t i = 0; i < json_array_size(version->mx); i++) {
        const json_t  *mx = json_array_get(version->mx, i);

        if (!json_is_string(mx)
            || mta_sts_policy_add_mx(policy, json_string_value(mx),
                                     json_string_length(mx), &reason) != 0)
        {
            return -1;
        }
    }

    return 0;
}
