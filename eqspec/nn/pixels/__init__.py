"""Operations on images: photometric, blur, geometric warps."""
