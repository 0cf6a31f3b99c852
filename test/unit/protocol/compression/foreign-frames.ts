// What other clients' codecs write, base64. `holds` names the input: `big` and `small` are below, `empty` is nothing.

const phrase = Buffer.concat([
  Buffer.from("the quick brown fox ".repeat(400)),
  ...Array.from({ length: 4 }, () => Uint8Array.from({ length: 256 }, (_, index) => index)),
]);

export const inputs = {
  big: Buffer.concat(Array.from({ length: 16 }, () => phrase)),
  small: Buffer.from("hello hello hello hello kafka"),
  empty: Buffer.alloc(0),
} as const;

export const foreignFrames = [
  {
    writer: "python lz4 4.4.5: linked blocks of 64 KiB, content size, block and content checksums.",
    codec: "lz4",
    holds: "big",
    base64:
      "BCJNGFxAADQCAAAAAADBLgIAAP8FdGhlIHF1aWNrIGJyb3duIGZveCAUAP//////////////////////////////" +
      "//////////84//EAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2" +
      "Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4" +
      "eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6" +
      "u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt7u/w8fLz9PX29/j5+vv8" +
      "/f7/AAH//+8PLCP/////////////////////////////////////////OA8sHwEPQCP/////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////JlAgcXVpY+Ik0nsOAQAAD/j/////////" +
      "/////////////////////wMPgNP/////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "///////////////////////////////////////////////////////////////////////////SUHJvd24gGKpY" +
      "KkEAAAAPFAD///////////////+5D8D2////////////////////////////////////////////////////T1D7" +
      "/P3+/4BxekMAAAAAxgSqVQ==",
  },
  {
    writer: "python lz4: linked blocks, no content size, no checksums.",
    codec: "lz4",
    holds: "big",
    base64:
      "BCJNGEBAwC4CAAD/BXRoZSBxdWljayBicm93biBmb3ggFAD/////////////////////////////////////////" +
      "OP/xAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+" +
      "P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+A" +
      "gYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHC" +
      "w8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wAB///v" +
      "Dywj/////////////////////////////////////////zgPLB8BD0Aj////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "/////////////////////////////////////////////yZQIHF1aWMOAQAAD/j/////////////////////////" +
      "/////wMPgNP/////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "///////////////////////////////////////////////////////////SUHJvd24gQQAAAA8UAP//////////" +
      "/////7kPwPb///////////////////////////////////////////////////9PUPv8/f7/AAAAAA==",
  },
  {
    writer: "python lz4: independent blocks, high compression.",
    codec: "lz4",
    holds: "big",
    base64:
      "BCJNGGBAgioCAAD/BXRoZSBxdWljayBicm93biBmb3ggFAD/////////////////////////////////////////" +
      "OP/xAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+" +
      "P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+A" +
      "gYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHC" +
      "w8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wAB///v" +
      "DwAYAQ9AI///////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////cVAgcXVpYykCAAD/BWsgYnJvd24gZm94IHRoZSBxdWljFAD/" +
      "///////////////////////////u//EAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkq" +
      "KywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamts" +
      "bW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6SlpqeoqaqrrK2u" +
      "r7CxsrO0tba3uLm6u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt7u/w" +
      "8fLz9PX29/j5+vv8/f7/AAH//+8PABj///////////82D0Aj////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////+FUHJvd24g" +
      "YAEAAP8FZm94IHRoZSBxdWljayBicm93biAUAP///////////////6X/8QABAgMEBQYHCAkKCwwNDg8QERITFBUW" +
      "FxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldY" +
      "WVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJma" +
      "m5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc" +
      "3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8AAf//7w+8EAEPFAD/////////////////////////" +
      "////////////////OA9AI////+tQ+/z9/v8AAAAA",
  },
  {
    writer: "Go pierrec/lz4 4.1.33 (sarama, franz-go): blocks up to 4 MiB, content checksum.",
    codec: "lz4",
    holds: "big",
    base64:
      "BCJNGGRwuXMDAAD/BXRoZSBxdWljayBicm93biBmb3ggFAD/////////////////////////////////////////" +
      "OP/xAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+" +
      "P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+A" +
      "gYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHC" +
      "w8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wAB///v" +
      "Dywj/////////////////////////////////////////zgPLB8BD0Aj////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////////////////////////" +
      "/////////////////0zwBezt7u/w8fLz9PX29/j5+vv8/f7/AAAAAMYEqlU=",
  },
  {
    writer: "python lz4, a small input with its defaults.",
    codec: "lz4",
    holds: "small",
    base64: "BCJNGGhAHQAAAAAAAAAODwAAAG5oZWxsbyAGAFBrYWZrYQAAAAA=",
  },
  {
    writer: "python lz4, nothing.",
    codec: "lz4",
    holds: "empty",
    base64: "BCJNGGBAggAAAAA=",
  },
  {
    writer: "python-snappy: one raw block, as librdkafka sends it.",
    codec: "snappy",
    holds: "big",
    base64:
      "gOgITHRoZSBxdWljayBicm93biBmb3gg/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "rhQA9AUBAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7" +
      "PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9" +
      "fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/" +
      "wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wAB" +
      "AgMEBf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAeYAAf4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI64sI04sH/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI0xrIGJyb3duIGZveCB0" +
      "aGUgcXVpY/4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAK4UAPQFAQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3" +
      "ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5" +
      "ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7" +
      "vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9" +
      "/v8AAQIDBAX+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAHmAAH+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+" +
      "9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+" +
      "9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+" +
      "9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+" +
      "9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9Bn+9BnO9Bn+9BX+9BX+9BX+9BX+9BX+9BX+9BX+" +
      "9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BX+" +
      "9BX+9BX+9BX+9BX+9BX+9BX+9BX+9BUu9BX+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCNMZm94IHRoZSBxdWljayBicm93biD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FACuFAD0BQEAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIz" +
      "NDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hpamtsbW5vcHFyc3R1" +
      "dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6SlpqeoqaqrrK2ur7CxsrO0tba3" +
      "uLm6u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt7u/w8fLz9PX29/j5" +
      "+vv8/f7/AAECAwQF/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB5gAB/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ" +
      "/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ" +
      "/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ/rwQ" +
      "7rwQ/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM" +
      "/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM" +
      "/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM" +
      "/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwM/rwMDrwM/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj",
  },
  {
    writer: "kafka-python 3.0: xerial framing.",
    codec: "snappy",
    holds: "big",
    base64:
      "glNOQVBQWQAAAAABAAAAAQAABxiAgAJMdGhlIHF1aWNrIGJyb3duIGZveCD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+FAD+" +
      "FAD+FAD+FAD+FAD+FAD+FAD+FACuFAD0BQEAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYn" +
      "KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl9gYWJjZGVmZ2hp" +
      "amtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoOEhYaHiImKi4yNjo+QkZKTlJWWl5iZmpucnZ6foKGio6Slpqeoqaqr" +
      "rK2ur7CxsrO0tba3uLm6u7y9vr/AwcLDxMXGx8jJysvMzc7P0NHS09TV1tfY2drb3N3e3+Dh4uPk5ebn6Onq6+zt" +
      "7u/w8fLz9PX29/j5+vv8/f7/AAECAwQF/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB5gAB/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj" +
      "/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwj/iwjriwjTiwf/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj" +
      "/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAj/kAjAAAHGICAAkxmb3gg" +
      "dGhlIHF1aWNrIGJyb3duIP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAK4UAPQFAQABAgME" +
      "BQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVG" +
      "R0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeI" +
      "iYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnK" +
      "y8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8AAQIDBAX+AAH+AAH+" +
      "AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAHmAAH+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+" +
      "/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+/Az+" +
      "/Azu/Az+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+" +
      "/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+" +
      "/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+" +
      "/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+/Aj+" +
      "/Aj+/Aj+/AgO/Aj+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCMAAAcYgIACTGsgYnJvd24gZm94IHRoZSBxdWlj/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQArhQA9AUBAAECAwQFBgcI" +
      "CQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElK" +
      "S0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouM" +
      "jY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3O" +
      "z9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/wABAgMEBf4AAf4AAf4AAf4A" +
      "Af4AAf4AAf4AAf4AAf4AAf4AAf4AAeYAAf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70" +
      "Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70" +
      "Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70" +
      "Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gf70" +
      "Gf70Gf70Gf70Gf70Gf70Gf70Gf70Gc70Gf70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70" +
      "Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70Ff70" +
      "Ff70FS70Ff5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5A" +
      "I/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AI/5AIwAA" +
      "Bx+AgAL0BQFAQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5" +
      "ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7" +
      "vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9" +
      "/v8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/" +
      "QEFCQ0RF/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB/gAB5gABTHRoZSBxdWljayBicm93biBmb3gg/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA" +
      "/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQA/hQArhQACAABAv5AIv5AIv5AIv5AIv5AIv5AIv5AIv5A" +
      "Iv5AIv5AIv5AIvJAIv4AA/4AA/4AA/4AA/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I64sI04sH/5AIP5AIP5AIP5AIP4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAf4AAU4UBP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAK4UAP5AIv5AIv5AIv5AIv5AIv5AIv5AIv5AIv5AIv5A" +
      "Iv5AIv5AIv4AA/4AA/4AA/4AA/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4s" +
      "I/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sI/4sIwAAA4eAaExmb3ggdGhlIHF1aWNrIGJy" +
      "b3duIP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4UAP4U" +
      "AP4UAP4UAP4UAP4UAP4UAP4UAP4UAK4UAPQFAQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQl" +
      "JicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNkZWZn" +
      "aGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWmp6ip" +
      "qqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo6err" +
      "7O3u7/Dx8vP09fb3+Pn6+/z9/v8AAQIDBAX+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAH+AAHmAAH+vBD+" +
      "vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+" +
      "vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+vBD+" +
      "vBD+vBD+vBD+vBD+vBDuvBD+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+" +
      "vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+" +
      "vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+" +
      "vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAz+vAwOvAz+QCP+QCP+QCP+QCP+QCP+QCP+QCP+" +
      "QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCP+QCM=",
  },
  {
    writer: "python zstandard, streamed: no content size, level 19.",
    codec: "zstd",
    holds: "big",
    base64:
      "KLUv/QBoRAkARBF0aGUgcXVpY2sgYnJvd24gZm94IAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEi" +
      "IyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2BhYmNk" +
      "ZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKjpKWm" +
      "p6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl5ufo" +
      "6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8DAL3cQ6NyAKDfAK2mlL9+MgFdAAAAAgA9B/DQS/4FAg==",
  },
  {
    writer: "Go klauspost/compress (franz-go).",
    codec: "zstd",
    holds: "big",
    base64:
      "KLUv/aQANAIAjA8ARBF0aGUgcXVpY2sgYnJvd24gZm94IAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f" +
      "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2Bh" +
      "YmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ent8fX5/gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp+goaKj" +
      "pKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v8DBwsPExcbHyMnKy8zNzs/Q0dLT1NXW19jZ2tvc3d7f4OHi4+Tl" +
      "5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v84IBDGhKUqqAdpcujhAtHQH4iCfkNCFby8NKT8y2gP/QZU0B8CpyDl" +
      "zz1cMBr6A6eg35BYBS+fhpR/Geqh3wAV9IdAKEj5Qw8XiIb+QBT0GxKq4OWlIeVfRnvoN6CC/hA4BSl/7uGC0dAf" +
      "OAX9hsQqePk0pPzLUA/9BqigPwRCQcoferhANPQHoqDfkFAFLy8NKf8y2kO/ARX0h8ApSPlzDxeMhv7AKeg3JFbB" +
      "y6ch5V+Geug3QAX9IRAKUv7QwwWioT8QBf2GhCp4eWlI+ZfRHgDoN6BqSvnrARP9AAAAB0AA/YGC6jckavXyh075" +
      "l1F9vwFa9YdApXo5/+/rl3mH1A==",
  },
  {
    writer: "python zstandard, with a checksum.",
    codec: "zstd",
    holds: "small",
    base64: "KLUv/SQdjQAAWGhlbGxvIGthZmthAQDxShE1Yg6u",
  },
  {
    writer: "python gzip: two members in a row.",
    codec: "gzip",
    holds: "small",
    base64: "H4sIAAAAAAACA8tIzcnJV8gAkgAINr35CgAAAB+LCAAAAAAAAgPLV8hIzcnJh5LZiWnZiQAB1+fuEwAAAA==",
  },
] as const;
