/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_names.h"


static int ngx_libc_cdecl ngx_http_tlsrpt_names_compare(const void *one,
    const void *two);


ngx_int_t
ngx_http_tlsrpt_names_order(const ngx_str_t *one, const ngx_str_t *two)
{
    return ngx_memn2cmp(one->data, two->data, one->len, two->len);
}


static int ngx_libc_cdecl
ngx_http_tlsrpt_names_compare(const void *one, const void *two)
{
    return (int) ngx_http_tlsrpt_names_order(one, two);
}


void
ngx_http_tlsrpt_names_sort(ngx_array_t *names)
{
    ngx_str_t   *name;
    ngx_uint_t   i, n;

    name = names->elts;

    ngx_qsort(name, names->nelts, sizeof(ngx_str_t),
              ngx_http_tlsrpt_names_compare);

    for (i = 0, n = 0; i < names->nelts; i++) {
        if (n == 0 || ngx_http_tlsrpt_names_order(&name[n - 1], &name[i])) {
            name[n++] = name[i];
        }
    }

    names->nelts = n;
}


ngx_uint_t
ngx_http_tlsrpt_names_after(const ngx_array_t *names, const ngx_str_t *name)
{
    ngx_str_t   *sorted;
    ngx_uint_t   first, last, middle;

    sorted = names->elts;
    first = 0;
    last = names->nelts;

    /* all before first are not after the name, all from last on are */

    while (first < last) {
        middle = first + (last - first) / 2;

        if (ngx_http_tlsrpt_names_order(&sorted[middle], name) <= 0) {
            first = middle + 1;

        } else {
            last = middle;
        }
    }

    return first;
}
