/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_leads.h"

#include "tlsrpt_dns.h"

#include <stdio.h>
#include <string.h>


#define POLICY_HOST  "mta-sts."             /* RFC 8461 3.3 */


void
tlsrpt_leads_names(tlsrpt_leads_t *leads, const tlsrpt_str_t *uris,
    size_t nuris, tlsrpt_str_t zone)
{
    memset(leads, 0, sizeof(*leads));

    leads->len[0] = tlsrpt_dns_https_host(uris, nuris, leads->name[0]);
    leads->n = leads->len[0] > 0;

    if (zone.data != NULL
        && zone.len + sizeof(POLICY_HOST) <= sizeof(leads->name[0]))
    {
        leads->len[leads->n] = (size_t) snprintf(leads->name[leads->n],
                                   sizeof(leads->name[0]), POLICY_HOST "%.*s",
                                   (int) zone.len, zone.data);
        leads->n++;
    }
}


static json_t *
object_of(tlsrpt_str_t text)
{
    json_t  *json = text.len && text.len <= TLSRPT_SEEN_SIZE
                  ? json_loadb(text.data, text.len, 0, NULL) : NULL;

    if (!json_is_object(json)) {
        json_decref(json);
        json = NULL;
    }

    return json;
}


void
tlsrpt_leads_seen(tlsrpt_leads_t *leads, size_t i, tlsrpt_str_t text)
{
    json_decref(leads->seen[i]);
    leads->seen[i] = object_of(text);
}


void
tlsrpt_leads_free(tlsrpt_leads_t *leads)
{
    for (size_t i = 0; i < leads->n; i++) {
        json_decref(leads->seen[i]);
        leads->seen[i] = NULL;
    }
}


static int
is_known(const json_t *host, int64_t now)
{
    const json_int_t  at = json_integer_value(json_object_get(host, "at"));

    return at > 0 && at > now - TLSRPT_LEADS_FRESH;
}


static int
has_error(const json_t *host)
{
    return json_object_get(host, "error") != NULL;
}


static int
has_any(const json_t *host)
{
    return json_array_size(json_object_get(host, "a"))
           || json_array_size(json_object_get(host, "aaaa"))
           || json_array_size(json_object_get(host, "cname"));
}


/* Whether a list of the one has something that a list of the other has. */

static int
share(const json_t *a, const json_t *b, const char *list)
{
    const json_t  *as = json_object_get(a, list);
    const json_t  *bs = json_object_get(b, list);

    for (size_t i = 0; i < json_array_size(as); i++) {
        for (size_t k = 0; k < json_array_size(bs); k++) {
            if (json_is_string(json_array_get(as, i))
                && json_equal(json_array_get(as, i), json_array_get(bs, k)))
            {
                return 1;
            }
        }
    }

    return 0;
}


static int
is_alias_of(const json_t *host, const char *name)
{
    size_t   i;
    json_t  *one;

    json_array_foreach(json_object_get(host, "cname"), i, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0) {
            return 1;
        }
    }

    return 0;
}


static tlsrpt_seen_bool_t
leads_to(const tlsrpt_leads_t *leads, const json_t *host, int64_t now)
{
    int  is_sure = leads->n > 0 && !has_error(host);

    for (size_t i = 0; i < leads->n; i++) {
        const json_t  *ours = leads->seen[i];

        if (is_alias_of(host, leads->name[i])) {
            return TLSRPT_SEEN_YES;
        }

        if (!is_known(ours, now)) {
            is_sure = 0;
            continue;
        }

        if (share(host, ours, "cname") || share(host, ours, "a")
            || share(host, ours, "aaaa"))
        {
            return TLSRPT_SEEN_YES;
        }

        is_sure = is_sure && !has_error(ours);
    }

    /* what has no address leads nowhere, whatever ours are */
    return is_sure || (!has_error(host) && !has_any(host))
           ? TLSRPT_SEEN_NO : TLSRPT_SEEN_UNKNOWN;
}


tlsrpt_seen_bool_t
tlsrpt_leads(const tlsrpt_leads_t *leads, tlsrpt_str_t check, int64_t now)
{
    json_t              *json = object_of(check);
    const json_t        *host = json_object_get(json, "host");
    tlsrpt_seen_bool_t   found = TLSRPT_SEEN_UNKNOWN;

    if (is_known(host, now)) {
        found = leads_to(leads, host, now);
    }

    json_decref(json);

    return found;
}
