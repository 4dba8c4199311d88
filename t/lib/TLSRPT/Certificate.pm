# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Certificate;

# A certificate for names, of an authority of the test's own.
#
#     my $made = TLSRPT::Certificate->new(dir => $dir, names => ['localhost'],
#                                         days => 2);
#     $made->authority; $made->certificate; $made->key;     # paths, PEM

use strict;
use warnings;

sub new {
    my ($class, %args) = @_;

    my $self = bless { name => 'tls', names => ['localhost'], days => 2,
                       %args }, $class;

    openssl($self, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days',
        $self->{days}, '-subj', '/CN=Test Authority', '-keyout',
        $self->path('ca.key'), '-out', $self->authority);
    openssl($self, 'req', '-newkey', 'rsa:2048', '-nodes', '-subj',
        "/CN=$self->{names}[0]", '-keyout', $self->key, '-out',
        $self->path('csr'));
    open my $fh, '>', $self->path('ext') or die $!;
    print $fh 'subjectAltName = ', join(',', map { "DNS:$_" }
        @{ $self->{names} }), "\n";
    close $fh;
    openssl($self, 'x509', '-req', '-days', $self->{days}, '-in',
        $self->path('csr'), '-CA', $self->authority, '-CAkey',
        $self->path('ca.key'), '-CAcreateserial', '-extfile', $self->path('ext'), '-out',
        $self->certificate);

    return $self;
}

sub path { return "$_[0]{dir}/$_[0]{name}.$_[1]" }

sub authority { return $_[0]->path('ca.pem') }
sub certificate { return $_[0]->path('pem') }
sub key { return $_[0]->path('key') }

sub openssl {
    my ($self, @args) = @_;

    my $log = $self->path('log');
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>>', $log;
        open STDERR, '>>', $log;
        exec 'openssl', @args;
        exit 127;
    }

    waitpid $pid, 0;
    $? == 0 or die "openssl @args: see $log";

    return;
}

1;
