# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Admin;

# Requests of enrolment: by the operator at /admin/, by an owner, whose name is
# in a header, at /mine/.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();

our @EXPORT_OK = qw(ask_as ask_admin);

# who: undef: the operator; body: a structure, or text as it is.
sub ask_as {
    my ($t, $who, $method, $path, $body, @headers) = @_;

    $body = JSON::PP->new->utf8->canonical->encode($body) if ref $body;

    return $t->request($method, $path,
        defined $body ? (body => $body) : (),
        headers => [ defined $who ? ('X-User' => $who) : (),
            defined $body ? ('Content-Type' => 'application/json') : (),
            @headers ]);
}

# path: below the location.
sub ask_admin {
    my ($t, $who, $method, $path, @more) = @_;

    return ask_as($t, $who, $method,
                  (defined $who ? '/mine/' : '/admin/') . $path, @more);
}

1;
