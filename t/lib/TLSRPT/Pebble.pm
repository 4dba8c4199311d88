# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Pebble;

# A certificate authority that speaks ACME (RFC 8555), on loopback, with a name
# server of its own, by which all names are 127.0.0.1.
#
#     my $ca = TLSRPT::Pebble->new(server => $t, http => PORT)->start;
#     $ca->directory;             # its URL
#     $ca->trusted;               # PEM, path: whom its URL is to be trusted by
#     $ca->root;                  # PEM, path: whom its certificates are
#     $ca->address_of(NAME => '127.0.0.2');
#
# http: the port at which it asks for challenges.

use strict;
use warnings;

use HTTP::Tiny;
use JSON::PP;

use TLSRPT::Certificate;
use TLSRPT::Server;

sub new {
    my ($class, %args) = @_;

    my $self = bless { %args }, $class;
    $self->{$_} = TLSRPT::Server::free_port() for qw(port admin dns mock);
    mkdir $self->path('') or die "mkdir: $!";
    $self->{tls} = TLSRPT::Certificate->new(dir => $self->path(''),
                                          days => 7300);

    return $self;
}

sub path { return $_[0]{server}->dir . "/pebble/$_[1]" }

sub directory { return "https://localhost:$_[0]{port}/dir" }
sub trusted { return $_[0]{tls}->authority }

sub start {
    my ($self) = @_;

    my $t = $self->{server};
    my %conf = (
        listenAddress => "127.0.0.1:$self->{port}",
        managementListenAddress => "127.0.0.1:$self->{admin}",
        certificate => $self->{tls}->certificate,
        privateKey => $self->{tls}->key,
        httpPort => $self->{http}, tlsPort => $self->{http},
    );

    $t->write_file($self->path('conf'), encode_json({ pebble => \%conf }));
    $t->spawn($self->path('dns.log'), {}, 'pebble-challtestsrv',
        '-dns01', "127.0.0.1:$self->{dns}", '-http01', '', '-https01', '',
        '-tlsalpn01', '', '-management', "127.0.0.1:$self->{mock}",
        '-defaultIPv6', '');
    # By itself it refuses some good nonces, and dehydrated asks but once.
    $t->spawn($self->path('log'), { PEBBLE_VA_NOSLEEP => 1,
        PEBBLE_WFE_NONCEREJECT => 0 }, 'pebble', '-config',
        $self->path('conf'), '-dnsserver', "127.0.0.1:$self->{dns}");
    TLSRPT::Server::wait_until(20, sub { $self->get($self->directory) })
        or die 'pebble: ' . $t->read_file($self->path('log'));
    $t->write_file($self->root,
        $self->get("https://localhost:$self->{admin}/roots/0"));

    return $self;
}

sub root { return $_[0]->path('root.pem') }

sub get {
    my ($self, $url) = @_;

    my $answer = HTTP::Tiny->new(verify_SSL => 1, SSL_options => {
        SSL_ca_file => $self->trusted })->get($url);

    return $answer->{success} ? $answer->{content} : undef;
}

# What the name is from now on.
sub address_of {
    my ($self, $name, @addresses) = @_;

    for my $call (['clear-a', { host => "$name." }],
                  ['add-a', { host => "$name.", addresses => \@addresses }])
    {
        my ($path, $content) = @$call;
        my $answer = HTTP::Tiny->new->post(
            "http://127.0.0.1:$self->{mock}/$path",
            { content => encode_json($content) });
        $answer->{success} or die "$path: $answer->{status}";
    }

    return;
}

1;
