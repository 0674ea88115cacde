// The currency types of HTTP come with the server: `.get`, `HTTPFields` and the like need no import of their own.

@_exported public import HTTPTypes

// Where a server listens is a setting, ``ServerConfiguration/listen``.
@_exported public import enum Cluster.ListenAddress
