/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of a domain are found by SCAN, as their names have the days of
 * reports, and an original has a key of its own: all that there is, whatever
 * the retention was.  It walks over all keys of Redis, and does not hold it up
 * for that.  What people did with the domain stays, as do events on their way.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_erase.h"
#include "ngx_http_tlsrpt_fetch.h"


#define NGX_HTTP_TLSRPT_ERASE_COUNT    "1000"
#define NGX_HTTP_TLSRPT_ERASE_CURSOR   20       /* digits of 64 bits */


typedef struct {
    ngx_http_request_t  *request;
    tlsrpt_str_t         domain;
    ngx_uint_t           status;
    json_t              *json;
    tlsrpt_command_t    *command;               /* to be sent, or sent */
    tlsrpt_command_t    *unlink;                /* what the last SCAN found */
    char                 cursor[NGX_HTTP_TLSRPT_ERASE_CURSOR + 1];
    ngx_uint_t           index;                 /* of the next to forget it */
    unsigned             asked:1;
    unsigned             scanned:1;             /* all keys */
} ngx_http_tlsrpt_erase_t;


static ngx_int_t ngx_http_tlsrpt_erase_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static tlsrpt_command_t *ngx_http_tlsrpt_erase_scan(
    ngx_http_tlsrpt_erase_t *erase);
static tlsrpt_command_t *ngx_http_tlsrpt_erase_index(
    ngx_http_tlsrpt_erase_t *erase);
static ngx_int_t ngx_http_tlsrpt_erase_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_erase_found(ngx_http_tlsrpt_erase_t *erase,
    const tlsrpt_reply_t *reply);
static ngx_uint_t ngx_http_tlsrpt_erase_stays(const tlsrpt_reply_t *key);
static ngx_int_t ngx_http_tlsrpt_erase_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_erase_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_erase_fetch = {
    ngx_http_tlsrpt_erase_next,
    ngx_http_tlsrpt_erase_reply,
    NULL,
    ngx_http_tlsrpt_erase_done,
    ngx_http_tlsrpt_erase_destroy
};

/* The indexes of all domains that have its name. */

static void  (*const ngx_http_tlsrpt_erase_indexes[])(tlsrpt_key_t *key,
    tlsrpt_str_t prefix) = {
    tlsrpt_key_index, tlsrpt_key_due, tlsrpt_key_open
};

#define NGX_HTTP_TLSRPT_ERASE_NINDEXES                                        \
    (sizeof(ngx_http_tlsrpt_erase_indexes)                                    \
     / sizeof(ngx_http_tlsrpt_erase_indexes[0]))


ngx_int_t
ngx_http_tlsrpt_erase(ngx_http_request_t *r, ngx_str_t *domain,
    ngx_uint_t status, json_t *json)
{
    u_char                   *name;
    ngx_http_tlsrpt_erase_t  *erase;

    erase = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_erase_t));
    name = ngx_pstrdup(r->pool, domain);

    if (erase == NULL || name == NULL) {
        json_decref(json);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    erase->request = r;
    erase->domain = (tlsrpt_str_t) { (char *) name, domain->len };
    erase->status = status;
    erase->json = json;
    erase->cursor[0] = '0';

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_erase_fetch, erase);
}


static ngx_int_t
ngx_http_tlsrpt_erase_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    if (erase->asked) {
        return NGX_DONE;
    }

    tlsrpt_command_destroy(erase->command);

    if (erase->unlink) {
        erase->command = erase->unlink;
        erase->unlink = NULL;

    } else if (!erase->scanned) {
        erase->command = ngx_http_tlsrpt_erase_scan(erase);

    } else if (erase->index < NGX_HTTP_TLSRPT_ERASE_NINDEXES) {
        erase->command = ngx_http_tlsrpt_erase_index(erase);

    } else {
        erase->command = NULL;
        return NGX_DONE;
    }

    ask->command = erase->command;
    erase->asked = 1;

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* A prefix may have characters that a pattern gives a meaning. */

static tlsrpt_command_t *
ngx_http_tlsrpt_erase_scan(ngx_http_tlsrpt_erase_t *erase)
{
    char          pattern[2 * TLSRPT_KEY_SIZE + 1];
    size_t        i, len;
    tlsrpt_key_t  key;

    tlsrpt_key_domain(&key, ngx_http_tlsrpt_prefix(erase->request),
                      erase->domain, "");

    for (i = 0, len = 0; i < key.len; i++) {
        if (ngx_strchr("*?[]^\\", key.data[i])) {
            pattern[len++] = '\\';
        }

        pattern[len++] = key.data[i];
    }

    pattern[len++] = '*';

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("SCAN"), { erase->cursor, ngx_strlen(erase->cursor) },
        TLSRPT_STR("MATCH"), { pattern, len },
        TLSRPT_STR("COUNT"), TLSRPT_STR(NGX_HTTP_TLSRPT_ERASE_COUNT)
    };

    return tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]), 0,
                                 NULL);
}


static tlsrpt_command_t *
ngx_http_tlsrpt_erase_index(ngx_http_tlsrpt_erase_t *erase)
{
    tlsrpt_key_t  key;

    ngx_http_tlsrpt_erase_indexes[erase->index++](&key,
                                     ngx_http_tlsrpt_prefix(erase->request));

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("ZREM"), { key.data, key.len }, erase->domain
    };

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


static ngx_int_t
ngx_http_tlsrpt_erase_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    erase->asked = 0;

    /* only SCAN answers with one */

    return reply->type == TLSRPT_REPLY_ARRAY
           ? ngx_http_tlsrpt_erase_found(erase, reply) : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_erase_found(ngx_http_tlsrpt_erase_t *erase,
    const tlsrpt_reply_t *reply)
{
    size_t                 i, n;
    tlsrpt_str_t          *argv;
    const tlsrpt_reply_t  *cursor, *keys;

    if (reply->nelements != 2
        || reply->elements[0]->type != TLSRPT_REPLY_STRING
        || reply->elements[0]->len > NGX_HTTP_TLSRPT_ERASE_CURSOR
        || reply->elements[1]->type != TLSRPT_REPLY_ARRAY)
    {
        return NGX_ERROR;
    }

    cursor = reply->elements[0];
    keys = reply->elements[1];

    ngx_cpystrn((u_char *) erase->cursor, (u_char *) cursor->str,
                cursor->len + 1);
    erase->scanned = (ngx_strcmp(erase->cursor, "0") == 0);

    argv = ngx_alloc((keys->nelements + 1) * sizeof(tlsrpt_str_t),
                     erase->request->connection->log);
    if (argv == NULL) {
        return NGX_ERROR;
    }

    argv[0] = TLSRPT_STR("UNLINK");
    n = 1;

    for (i = 0; i < keys->nelements; i++) {
        if (!ngx_http_tlsrpt_erase_stays(keys->elements[i])) {
            argv[n++] = (tlsrpt_str_t) { keys->elements[i]->str,
                                         keys->elements[i]->len };
        }
    }

    if (n > 1) {
        erase->unlink = tlsrpt_command_create(argv, n, 1, NULL);
    }

    ngx_free(argv);

    return (n > 1 && erase->unlink == NULL) ? NGX_ERROR : NGX_OK;
}


static ngx_uint_t
ngx_http_tlsrpt_erase_stays(const tlsrpt_reply_t *key)
{
    ngx_uint_t  i;

    static const ngx_str_t  ends[] = {
        ngx_string("}:acts"), ngx_string("}:untold")
    };

    for (i = 0; i < 2; i++) {
        if (key->len > ends[i].len
            && ngx_memcmp(key->str + key->len - ends[i].len, ends[i].data,
                          ends[i].len)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_tlsrpt_erase_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    json_t  *json;

    ngx_log_error(NGX_LOG_NOTICE, r->connection->log, 0,
                  "tlsrpt: erased what was counted for \"%*s\"",
                  erase->domain.len, erase->domain.data);

    json = erase->json;
    erase->json = NULL;

    return json ? ngx_http_tlsrpt_admin_json(r, erase->status, json)
                : ngx_http_tlsrpt_admin_none(r);
}


static void
ngx_http_tlsrpt_erase_destroy(void *data)
{
    ngx_http_tlsrpt_erase_t *erase = data;

    tlsrpt_command_destroy(erase->command);
    tlsrpt_command_destroy(erase->unlink);
    json_decref(erase->json);
}
