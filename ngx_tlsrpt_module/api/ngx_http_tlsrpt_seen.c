/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_seen.h"


static void ngx_http_tlsrpt_seen_arg(ngx_http_tlsrpt_seen_t *seen,
    const void *arg, size_t len);


ngx_int_t
ngx_http_tlsrpt_seen_after(ngx_http_request_t *r, ngx_http_tlsrpt_seen_t *seen,
    tlsrpt_str_t name, ngx_uint_t n)
{
    u_char                       *min, *p;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    min = ngx_pnalloc(r->pool, name.len + 1);
    if (min == NULL) {
        return NGX_ERROR;
    }

    min[0] = name.data ? '(' : '-';
    ngx_memcpy(min + 1, name.data ? name.data : "", name.len);

    seen->command.argv = seen->argv;
    seen->command.argvlen = seen->argvlen;
    seen->command.argc = 0;
    seen->command.key = 1;
    seen->command.script = 0;

    ngx_http_tlsrpt_seen_arg(seen, "ZRANGEBYLEX", sizeof("ZRANGEBYLEX") - 1);
    p = ngx_sprintf(seen->key, "%V:domains", &tmcf->redis.prefix);
    ngx_http_tlsrpt_seen_arg(seen, seen->key, (size_t) (p - seen->key));
    ngx_http_tlsrpt_seen_arg(seen, min, name.len + 1);
    ngx_http_tlsrpt_seen_arg(seen, "+", 1);
    ngx_http_tlsrpt_seen_arg(seen, "LIMIT", sizeof("LIMIT") - 1);
    ngx_http_tlsrpt_seen_arg(seen, "0", 1);
    p = ngx_sprintf(seen->count, "%ui", n);
    ngx_http_tlsrpt_seen_arg(seen, seen->count, (size_t) (p - seen->count));

    return NGX_OK;
}


static void
ngx_http_tlsrpt_seen_arg(ngx_http_tlsrpt_seen_t *seen, const void *arg,
    size_t len)
{
    seen->argv[seen->command.argc] = arg;
    seen->argvlen[seen->command.argc] = len;
    seen->command.argc++;
}


ngx_int_t
ngx_http_tlsrpt_seen_next(ngx_http_request_t *r, ngx_http_tlsrpt_seen_t *seen,
    const tlsrpt_reply_t *reply, ngx_uint_t n)
{
    tlsrpt_str_t           name;
    const tlsrpt_reply_t  *last;

    if (reply->nelements < n) {
        return NGX_DONE;
    }

    last = reply->elements[reply->nelements - 1];

    if (last->type != TLSRPT_REPLY_STRING) {
        return NGX_DONE;
    }

    name.data = last->str;
    name.len = last->len;

    return ngx_http_tlsrpt_seen_after(r, seen, name, n);
}


ngx_uint_t
ngx_http_tlsrpt_seen_is_domain(const char *name, size_t len)
{
    char  buf[TLSRPT_DOMAIN_LEN + 1];

    return len && len <= TLSRPT_DOMAIN_LEN
           && tlsrpt_domain_normalize(name, len, buf) == len
           && ngx_memcmp(name, buf, len) == 0;
}
